/**
 * The nouns of the registry (nodes, instances, definitions, slugs, urls), with the parsers that let outside input in. Nothing
 * here knows who wrote a record or whether its writer lives.
 */
import { type Ancestry, readAncestry } from './ancestry.js'
import { type CheckForm, type CheckHeaders, parseCheck, readCheck } from './check.js'
import { RegistryError, quote } from './errors.js'
import { boundedText } from './fields.js'
import { type Holds, readHolds } from './holds.js'
import { type LifetimeFacts, type LifetimeSaid, lifetimeFields, parseLifetime, readLifetime } from './lifetime.js'
import { type Traits, type TraitsSaid, parseTraits, readTraits, traitFields } from './traits.js'
import { type UrlParts, checkComposed, checkParts, composeUrl, disagreement, parseUrl, urlParts } from './url.js'

/** A daemon's identity: the text form of its libp2p peer id. */
export type PeerId = string

export const instanceStatuses = ['Unknown', 'Healthy', 'Degraded', 'Unreachable', 'Error'] as const
export type InstanceStatus = (typeof instanceStatuses)[number]

/** What a caller says of an instance, validated; `url` is always present. The content of an instance record. */
export interface InstanceFacts extends LifetimeFacts, Traits {
  readonly id: string
  readonly url: string
  readonly slug?: string
  readonly deploymentId?: string
  readonly scheme?: string
  readonly host?: string
  readonly ip?: string
  readonly port?: number
  readonly path?: string
  readonly tags?: readonly string[]
  /** How its home node checks it, see `readCheck`; absent: whether its port accepts a connection. */
  readonly check?: CheckForm
}

/** An instance as its home node records it. `n` is its registration number, raised only by registering. */
export interface InstanceRecord extends InstanceFacts {
  readonly n: number
  /** When it was registered, unix milliseconds, as its home node put it then; earlier versions wrote none. */
  readonly stamp?: number
  readonly status: InstanceStatus
  readonly details?: string
  /** Why its owner hides it, whatever its health; absent while it is in service. */
  readonly maintenance?: string
  /** Who wants it hidden, where that is not an operator alone. */
  readonly holds?: Holds
  /** The public id of the session that it lives with. */
  readonly session?: string
}

/**
 * A registration as it comes from a caller: one of `url`, `host`, `ip` is required; see `parseRegistration`. What is not said stays
 * as it was; what is `null`, or an empty list, is said to be nothing.
 */
export type Registration = Omit<
  InstanceFacts,
  'id' | 'slug' | 'deploymentId' | 'check' | keyof LifetimeFacts | keyof Traits
> &
  LifetimeSaid &
  TraitsSaid & {
    readonly id?: string
    readonly slug?: string | null
    readonly deploymentId?: string | null
    readonly check?: CheckForm | null
    /** Values of the headers that `check` names; they stay at the home node. */
    readonly checkHeaders?: CheckHeaders
  }

/** The fields of a registration in the words of the published calls. */
export const publishedFields = [
  ...(['id', 'url', 'slug', 'deploymentId', 'scheme', 'host', 'ip', 'port', 'path', 'tags', 'check'] as const),
] as const satisfies readonly (keyof Registration)[]

/** The fields of a registration in words of our own. */
export const registrationFields = [
  ...publishedFields,
  ...lifetimeFields,
  ...traitFields,
] as const satisfies readonly (keyof Registration)[]

/**
 * Whose words a registration is in. Published clients send an empty string for whatever they do not know, so it says nothing there;
 * in calls of our own it says that there is nothing, as `null` does.
 */
export type Wording = 'published' | 'own'

/** The facts that a node publishes of itself. Load, usage and GPUs are news, not facts, and are not in here. */
export interface NodeRecord {
  readonly id: string
  readonly url: string
  readonly region?: string
  readonly availabilityZone?: string
  /** The multiaddrs at which its peers can dial it. */
  readonly addresses: readonly string[]
  /** Its key ends with its run: whoever says goodbye by it never comes back. */
  readonly transient?: true
  /** Registration numbers up to this one may have been used here, for ids of which nothing is held any more. */
  readonly floor?: number
  /** It is about to stop: whatever is at home here is hidden, until it says goodbye and starts again, or takes that back. */
  readonly draining?: true
  /** Which earlier documents of its owner are part of this one; absent where an earlier version of this program wrote it. */
  readonly ancestry?: Ancestry
  /** The version of the program that it runs, then that of what it speaks; absent where an earlier version wrote it. */
  readonly software?: string
  readonly protocol?: number
}

/** A service definition: an opaque JSON object of which only `id` is ours to read. */
export type Definition = { readonly id: string } & { readonly [field: string]: unknown }

/** Sizes beyond which input is refused (callers) or dropped (peers). */
export const modelLimits = {
  idLength: 512,
  urlLength: 2048,
  labelLength: 256,
  tags: 64,
  addresses: 16,
  definitionBytes: 1024 * 1024,
  /** Objects and lists inside each other; what walks them is recursive. */
  jsonDepth: 100,
  /** Registration numbers, stamps and generations: far above any honest one, far below where numbers lose their last digit. */
  counter: 2 ** 45,
} as const

/**
 * Reads a registration. Fields that it does not know do not count.
 * @throws RegistryError `malformed`, naming the field
 */
export function parseRegistration(input: unknown, wording: Wording = 'published'): Registration {
  const fields = withTrimmedUrl(parseObject(input, 'the request body'))
  const { id, url } = fields
  if (typeof id === 'string' && id !== '') refuseUnnameable(id, 'id')
  const given = givenParts(fields)
  checkParts(given)
  const registration = readRegistration(fields)
  parseUrl(registration.url, 'url')
  if (url === undefined || url === null || url === '') checkComposed(registration.url, given)
  if (wording === 'own') {
    refuseDisagreement(registration.url, given)
    refuseObjectOfTags(fields['tags'])
  }
  const own = wording === 'own' ? { ...parseLifetime(fields), ...parseTraits(fields) } : {}
  return { ...registration, ...checkSaid(fields['check'], wording), ...own, ...saidToBeNothing(fields, wording) }
}

/** Published calls know the short form alone. */
function checkSaid(input: unknown, wording: Wording): Pick<Registration, 'check' | 'checkHeaders'> {
  if (input === undefined || input === null || input === '') return {}
  if (wording === 'published' && typeof input !== 'string')
    throw new RegistryError('malformed', 'check: must be a string')
  const { form, headers } = parseCheck(input, 'check')
  return { check: form, ...(headers !== undefined && { checkHeaders: headers }) }
}

/** In calls of published clients the url counts, whatever stands beside it. */
function refuseDisagreement(url: string, given: UrlParts): void {
  const words = disagreement(url, given)
  if (words !== undefined) throw new RegistryError('malformed', `${words}; give one of the two`)
}

/** Published clients say `{}` for no tags; in words of our own they are a list. */
function refuseObjectOfTags(tags: unknown): void {
  if (isEmptyObject(tags)) throw new RegistryError('malformed', notTags)
}

/** What the caller has said there is none of, as opposed to what he has not said. */
function saidToBeNothing(
  { slug, deploymentId, check, tags }: Readonly<Record<string, unknown>>,
  wording: Wording,
): Partial<Registration> {
  const isOwn = wording === 'own'
  const isNothing = (value: unknown): boolean => value === null || (isOwn && value === '')
  const hasNoTags = Array.isArray(tags) ? tags.every((tag) => isOwn && tag === '') : isOwn && isNothing(tags)
  return {
    ...(isNothing(slug) && { slug: null }),
    ...(isNothing(deploymentId) && { deploymentId: null }),
    ...(isOwn && isNothing(check) && { check: null }),
    ...((hasNoTags || isEmptyObject(tags)) && { tags: [] }),
  }
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
}

const urlFields = ['url', 'scheme', 'host', 'ip', 'path'] as const

/** White space around a url is nobody's intent. */
function withTrimmedUrl(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const trimmed: Record<string, unknown> = { ...fields }
  for (const name of urlFields) {
    const value = trimmed[name]
    if (typeof value === 'string') trimmed[name] = value.trim()
  }
  return trimmed
}

/** What any version has ever accepted: records are read by it, so it never gets stricter. */
function readRegistration(fields: Readonly<Record<string, unknown>>): Registration {
  const id = optionalText(fields, 'id', modelLimits.idLength)
  const slug = optionalText(fields, 'slug', modelLimits.labelLength)
  if (slug !== undefined) parseSlug(slug)
  const deploymentId = optionalText(fields, 'deploymentId', modelLimits.idLength)
  const tags = optionalTags(fields)
  const given = givenParts(fields)
  const url = optionalText(fields, 'url', modelLimits.urlLength) ?? composeUrl(given)
  return withoutUndefined({
    id,
    slug,
    deploymentId,
    tags,
    url,
    ...urlParts(url, given),
  }) as unknown as Registration
}

function givenParts(fields: Readonly<Record<string, unknown>>): UrlParts {
  return {
    scheme: optionalText(fields, 'scheme', modelLimits.labelLength),
    host: optionalText(fields, 'host', modelLimits.urlLength),
    ip: optionalText(fields, 'ip', modelLimits.labelLength),
    path: optionalText(fields, 'path', modelLimits.urlLength),
    port: optionalPort(fields),
  }
}

function isSlug(text: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{N}._~@/-]*$/u.test(text) && text.length <= modelLimits.labelLength
}

/** @throws RegistryError `malformed` */
export function parseSlug(slug: string): string {
  if (isSlug(slug)) return slug
  if (isSlug(slug.normalize('NFC'))) {
    throw new RegistryError(
      'malformed',
      `slug: ${quote(slug)} has its letters and their accents apart, as some systems spell names of files; compose it (Unicode NFC)`,
    )
  }
  throw new RegistryError(
    'malformed',
    `slug: ${quote(slug)} is not a slug; use letters, digits and . _ ~ @ / - (at most ${modelLimits.labelLength}), beginning with a letter or digit`,
  )
}

/**
 * Reads the body of a saveDefinition call, `{"definition": {"id": …}}`.
 * @throws RegistryError `malformed` or `too-large`
 */
export function parseDefinition(input: unknown): Definition {
  const definition = parseObject(parseObject(input, 'the request body')['definition'], 'definition')
  refuseUnnameable(parseId(definition['id'], 'definition.id'), 'definition.id')
  if (isDeeper(definition, modelLimits.jsonDepth)) {
    throw new RegistryError('malformed', `definition: nested deeper than ${modelLimits.jsonDepth} levels`)
  }
  if (canonicalJson(definition).length > modelLimits.definitionBytes) {
    throw new RegistryError('too-large', `definition: larger than ${modelLimits.definitionBytes} bytes of JSON`)
  }
  return definition as Definition
}

/** @throws RegistryError `malformed`, naming `field` */
export function parseId(input: unknown, field: string): string {
  if (typeof input !== 'string' || input === '') {
    throw new RegistryError('malformed', `${field}: must be a non-empty string`)
  }
  return boundedText(input, field, modelLimits.idLength)
}

/** Parts of a path which every reader of urls takes for something else, however they are encoded. */
const unnameable: readonly string[] = ['.', '..']

/** Whether an id can stand in the path of a url. New ones have to; of older ones some cannot. */
export function isNameable(id: string): boolean {
  return id !== '' && !unnameable.includes(id)
}

function refuseUnnameable(id: string, field: string): void {
  if (isNameable(id)) return
  throw new RegistryError(
    'malformed',
    `${field}: ${quote(id)} cannot be named in the path of a url, so nobody could remove it; choose another one`,
  )
}

/** What is told of an instance that was taken out of service without a word. */
export const noReason = 'no reason given'

/**
 * Reads the body of a call that takes an instance out of service: nothing, or `{"reason": "…"}`.
 * @throws RegistryError `malformed`
 */
export function parseMaintenance(input: unknown): string {
  if (input === undefined || input === null) return noReason
  return optionalText(parseObject(input, 'the request body'), 'reason', modelLimits.labelLength) ?? noReason
}

/**
 * The id of an instance whose caller gave none: the same wherever the same url is registered for the same slug.
 * @param owner the home node, where the url means something else on each machine
 */
export function deriveInstanceId(
  slug: string | undefined,
  url: string,
  hash: (bytes: Uint8Array) => Uint8Array,
  owner?: PeerId,
): string {
  const identity = owner === undefined ? [slug ?? '', url] : [slug ?? '', url, owner]
  return `inst_${hex(hash(new TextEncoder().encode(canonicalJson(identity))).subarray(0, 10))}`
}

/** The id of a node that was given none. */
export function deriveNodeId(peerId: PeerId): string {
  return `node_${peerId.slice(-12)}`
}

// ---- the parsers for records that arrive from peers: a value, or undefined

/** Reads the value of an entry of `instances`, written by any version of any peer. */
export function readInstanceRecord(id: string, json: string): InstanceRecord | undefined {
  const fields = readObject(json)
  if (fields === undefined) return undefined
  const { n, stamp, status, details, maintenance, session, check } = fields
  if (!isNumber(n)) return undefined
  if (!instanceStatuses.includes(status as InstanceStatus)) return undefined
  if (details !== undefined && typeof details !== 'string') return undefined
  if (maintenance !== undefined && typeof maintenance !== 'string') return undefined
  // A check that only a later version knows is its owner's business: the instance can be called all the same.
  const known = readCheck(check) === undefined ? {} : { check: check as CheckForm }
  try {
    const record = readRegistration({ ...fields, id }) as unknown as Record<string, unknown>
    Object.assign(record, readLifetime(fields), readTraits(fields), known, { id, n, status })
    if (isNumber(stamp)) record['stamp'] = stamp
    if (typeof session === 'string' && session.length <= modelLimits.labelLength) record['session'] = session
    if (details !== undefined) record['details'] = details
    if (maintenance !== undefined) record['maintenance'] = maintenance
    const holds = maintenance === undefined ? undefined : readHolds(fields['holds'], modelLimits.labelLength)
    if (holds !== undefined) record['holds'] = holds
    return record as unknown as InstanceRecord
  } catch {
    return undefined
  }
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) < modelLimits.counter
}

/** What a record says of the versions of its node. */
export function versionsOf({ software, protocol }: Partial<NodeRecord> = {}): Pick<
  NodeRecord,
  'software' | 'protocol'
> {
  return { ...(software !== undefined && { software }), ...(protocol !== undefined && { protocol }) }
}

/** A version that is none costs its own field alone. */
function readVersions({
  software,
  protocol,
}: Readonly<Record<string, unknown>>): Pick<NodeRecord, 'software' | 'protocol'> {
  const isSaid = typeof software === 'string' && software.length <= modelLimits.labelLength
  return { ...(isSaid && { software }), ...(isNumber(protocol) && { protocol }) }
}

/** Reads the value of the entry `self` of `node`. */
export function readNodeRecord(json: string): NodeRecord | undefined {
  const fields = readObject(json)
  if (fields === undefined) return undefined
  try {
    const id = parseId(fields['id'], 'id')
    const url = optionalText(fields, 'url', modelLimits.urlLength)
    const region = optionalText(fields, 'region', modelLimits.labelLength)
    const availabilityZone = optionalText(fields, 'availabilityZone', modelLimits.labelLength)
    const listed = Array.isArray(fields['addresses']) ? fields['addresses'].slice(0, modelLimits.addresses) : []
    const addresses = listed.filter(
      (address): address is string => typeof address === 'string' && address.length <= modelLimits.urlLength,
    )
    if (url === undefined) return undefined
    const transient = fields['transient'] === true ? true : undefined
    const floor = isNumber(fields['floor']) ? fields['floor'] : undefined
    const draining = fields['draining'] === true ? true : undefined
    const ancestry = readAncestry(fields['ancestry'])
    const versions = readVersions(fields)
    const facts = { id, url, region, availabilityZone, addresses, transient, floor, draining, ancestry, ...versions }
    return withoutUndefined(facts) as unknown as NodeRecord
  } catch {
    return undefined
  }
}

/** Reads a JSON object; anything else is undefined. */
export function readObject(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** Whether a JSON value has objects and lists inside each other beyond a depth. */
export function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1))
}

// ---- JSON with one spelling

/**
 * JSON with the keys of every object in UTF-16 order and no white space (RFC 8785), so that equal values are equal bytes.
 * Lone surrogates come out as escapes, so the text is always well-formed Unicode.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = value as Record<string, unknown>
  let parts = ''
  for (const key of Object.keys(fields).sort()) {
    if (fields[key] === undefined) continue
    if (parts !== '') parts += ','
    parts += `${JSON.stringify(key)}:${canonicalJson(fields[key])}`
  }
  return `{${parts}}`
}

// ---- small readers

function parseObject(input: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Record<string, unknown>
  throw new RegistryError('malformed', `${what}: must be a JSON object`)
}

function optionalText(fields: Readonly<Record<string, unknown>>, field: string, limit: number): string | undefined {
  const value = fields[field]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new RegistryError('malformed', `${field}: must be a string`)
  return boundedText(value, field, limit)
}

function optionalPort(fields: Readonly<Record<string, unknown>>): number | undefined {
  const port = fields['port']
  if (port === undefined || port === null || port === 0) return undefined
  if (typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 65_535) return port
  throw new RegistryError('malformed', 'port: must be a whole number from 1 to 65535')
}

/**
 * Reads the tags of a call of our own; nothing, in any form, is an empty list.
 * @throws RegistryError `malformed`
 */
export function parseTags(input: unknown): readonly string[] {
  refuseObjectOfTags(input)
  return optionalTags({ tags: input }) ?? []
}

const notTags = 'tags: must be a list of strings'

function optionalTags(fields: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  const tags = fields['tags']
  if (tags === undefined || tags === null || tags === '' || isEmptyObject(tags)) return undefined
  if (!Array.isArray(tags) || tags.some((tag) => typeof tag !== 'string')) {
    throw new RegistryError('malformed', notTags)
  }
  if (tags.length > modelLimits.tags) throw new RegistryError('malformed', `tags: more than ${modelLimits.tags}`)
  const distinct = new Set((tags as string[]).filter((tag) => tag !== ''))
  for (const tag of distinct) boundedText(tag, 'tags', modelLimits.labelLength)
  return distinct.size === 0 ? undefined : [...distinct]
}

function withoutUndefined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const present: Record<string, unknown> = {}
  for (const name in fields) if (fields[name] !== undefined) present[name] = fields[name]
  return present
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += hexOfByte[bytes[i] as number]
  return text
}

/** The bytes of an even number of hexadecimal digits; anything else gives bytes that nothing fits. */
export function unhex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
