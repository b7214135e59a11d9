/**
 * What an instance says of itself besides where it is: metadata, named ports, weight, version, zone. It is carried, shown, asked for,
 * never acted upon.
 */
import { dnsNameOf } from './dns-name.js'
import { quote } from './errors.js'
import { boundedText, malformed } from './fields.js'

export interface Traits {
  readonly metadata?: Readonly<Record<string, string>>
  /** By what each is for, such as `{"http": 8080, "metrics": 9464}`. */
  readonly ports?: Readonly<Record<string, number>>
  /** Its share of the calls; absent: `defaultWeight`. 0: only where nothing else is left. */
  readonly weight?: number
  /** Of the service. */
  readonly version?: string
  /** Where it differs from that of its node. */
  readonly zone?: string
}

/** `null`, or what is empty, says that there is none; what is not said stays. */
export type TraitsSaid = { readonly [Name in keyof Traits]?: Traits[Name] | null }

export const traitFields = ['metadata', 'ports', 'weight', 'version', 'zone'] as const

export const defaultWeight = 100

export const traitLimits = {
  /** Keys of `metadata`, and bytes of all keys and values. */
  metadataKeys: 64,
  metadataBytes: 4096,
  keyLength: 128,
  ports: 32,
  weight: 65_535,
  textLength: 256,
} as const

type Parsers = { readonly [Name in keyof Traits]-?: (value: unknown, field: string) => NonNullable<Traits[Name]> }

/** Of records as they are, whoever wrote them. */
const parsers: Parsers = {
  metadata: parseMetadata,
  ports: parsePorts,
  weight: parseWeight,
  version: parseText,
  zone: parseText,
}

/** Of what a caller says. */
const strictParsers: Parsers = { ...parsers, ports: parseUnlikePorts }

/**
 * Reads what a caller says.
 * @throws RegistryError `malformed`, naming the field
 */
export function parseTraits(fields: Readonly<Record<string, unknown>>): TraitsSaid {
  const given = traitFields.filter((name) => fields[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, said(name, fields[name], strictParsers)]))
}

function said(name: keyof Traits, value: unknown, by: Parsers): Traits[keyof Traits] | null {
  return isNothing(name, value) ? null : by[name](value, name)
}

/** Reads the fields of a record; what cannot be read is not there. */
export function readTraits(fields: Readonly<Record<string, unknown>>): Traits {
  const traits: Record<string, unknown> = {}
  for (const name of traitFields) {
    if (fields[name] === undefined) continue
    try {
      const value = said(name, fields[name], parsers)
      if (value !== null) traits[name] = value
    } catch {
      // Whatever a later version means by it, the instance can be called all the same.
    }
  }
  return traits
}

/** Its port of that name. */
export function portOf(ports: Traits['ports'], name: string): number | undefined {
  return ports !== undefined && Object.hasOwn(ports, name) ? ports[name] : undefined
}

/** A fact has one spelling: what is nothing is not there, and neither is the default weight. */
export function mergeTraits(current: Traits, given: TraitsSaid): Traits {
  const merged: Record<string, unknown> = {}
  for (const name of traitFields) {
    const value = given[name] === undefined ? current[name] : given[name]
    if (value !== undefined && value !== null && value !== defaultWeight) merged[name] = value
  }
  return merged
}

function parseMetadata(value: unknown, field: string): Readonly<Record<string, string>> {
  const entries = entriesOf(value, field, 'an object of texts such as {"team": "blue"}')
  if (entries.length > traitLimits.metadataKeys) throw malformed(field, `more than ${traitLimits.metadataKeys} keys`)
  let length = 0
  for (const [key, text] of entries) {
    checkKey(key, field)
    if (typeof text !== 'string') throw malformed(`${field}.${key}`, 'must be a string')
    if (!text.isWellFormed()) throw malformed(`${field}.${key}`, 'holds half of a surrogate pair')
    length += new TextEncoder().encode(key + text).length
  }
  if (length > traitLimits.metadataBytes)
    throw malformed(field, `larger than ${traitLimits.metadataBytes} bytes in all`)
  return Object.fromEntries(entries) as Record<string, string>
}

/** Where a record has two that are alike, the first in the order of their spelling has the name. */
function parseUnlikePorts(value: unknown, field: string): Readonly<Record<string, number>> {
  const ports = parsePorts(value, field)
  const spellings = new Map<string, string>()
  for (const name of Object.keys(ports)) {
    const dnsName = dnsNameOf(name)
    if (dnsName === undefined) continue
    const other = spellings.get(dnsName)
    if (other !== undefined)
      throw malformed(field, `${quote(other)} and ${quote(name)} are one name in the DNS, where case does not count`)
    spellings.set(dnsName, name)
  }
  return ports
}

function parsePorts(value: unknown, field: string): Readonly<Record<string, number>> {
  const entries = entriesOf(value, field, 'an object of ports such as {"metrics": 9464}')
  if (entries.length > traitLimits.ports) throw malformed(field, `more than ${traitLimits.ports}`)
  for (const [name, port] of entries) {
    if (!/^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/i.test(name))
      throw malformed(field, `${quote(name)} is not a name; use letters, digits, and . _ - within`)
    if (!(typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535))
      throw malformed(`${field}.${name}`, 'must be a whole number from 1 to 65535')
  }
  return Object.fromEntries(entries) as Record<string, number>
}

function parseWeight(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= traitLimits.weight) return value
  throw malformed(field, `must be a whole number from 0 to ${traitLimits.weight}`)
}

function parseText(value: unknown, field: string): string {
  if (typeof value !== 'string') throw malformed(field, 'must be a string')
  return boundedText(value, field, traitLimits.textLength)
}

/** `__proto__` would be set, not written. */
function checkKey(key: string, field: string): void {
  const isFit = key !== '' && key.length <= traitLimits.keyLength && key.isWellFormed() && key !== '__proto__'
  if (!isFit || /[\u0000-\u001f\u007f]/.test(key))
    throw malformed(field, `${quote(key)} is not a key; at most ${traitLimits.keyLength} characters, none of control`)
}

function entriesOf(value: unknown, field: string, form: string): readonly (readonly [string, unknown])[] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value)
  throw malformed(field, `must be ${form}`)
}

/** An empty object where objects are meant: elsewhere it is a mistake, which must not erase what is there. */
function isNothing(name: keyof Traits, value: unknown): boolean {
  if (value === null || value === '') return true
  const isOfObjects = name === 'metadata' || name === 'ports'
  return isOfObjects && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0
}
