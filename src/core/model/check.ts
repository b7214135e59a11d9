/**
 * How the home node is to check an instance, in the words of a registration, which are those of a record too. It checks nothing.
 *
 *     short  tcp · http:/path · https:/path · reported · none
 *     long   {http: {path, method, statuses, headers}, tls: {verify, serverName}, interval, timeout, startPeriod,
 *             failureThreshold, successThreshold, keepOpen}, with tcp, grpc: {service}, reported or none in the place of http
 */
import { type Duration, durationOf, parseDuration } from './duration.js'
import { RegistryError, quote } from './errors.js'
import { boundedText, malformed } from './fields.js'
import { shownUrl } from './url.js'

/** What is asked. It never has a host in it: a check goes to where callers go. */
export type Question =
  /** Healthy where the port accepts a connection. */
  | { readonly type: 'tcp' }
  /** Healthy where a request to the path, on the host and port of the instance, is answered with a good status. */
  | {
      readonly type: 'http'
      readonly path: string
      readonly method: HttpMethod
      readonly statuses: readonly StatusRange[]
      /** Names of headers whose values the home node alone knows. */
      readonly headers: readonly string[]
    }
  /** The standard health protocol of gRPC; an empty service is the whole server. */
  | { readonly type: 'grpc'; readonly service: string }
  /** Healthy while it says so itself. */
  | { readonly type: 'reported' }
  /** Healthy because its owner says so. */
  | { readonly type: 'none' }

export type HttpMethod = 'GET' | 'HEAD'

/** Both ends count. */
export type StatusRange = readonly [from: number, to: number]

/** A check with everything in it that was left to us. */
export interface Check {
  readonly question: Question
  /** Whether TLS is spoken; `as its url says`: where that has the scheme of a protocol over TLS. */
  readonly secure: boolean | 'as its url says'
  readonly tls: { readonly verify: boolean; readonly serverName?: string }
  readonly interval_ms: number
  readonly timeout_ms: number
  /** After registering, so long a check that fails is no news. */
  readonly startPeriod_ms: number
  /** So many checks in a row have to fail, or to be well again, before that is news. */
  readonly failureThreshold: number
  readonly successThreshold: number
  /** One connection is kept; when it closes, the check is done at once. */
  readonly keepOpen: boolean
}

/** The long form, as records and views carry it: durations in their one spelling, of headers the names, nothing that is a default. */
export interface CheckObject {
  readonly tcp?: Readonly<Record<string, never>>
  readonly http?: {
    readonly path?: string
    readonly method?: HttpMethod
    /** Such as `200`, `200-399`. */
    readonly statuses?: readonly string[]
    readonly headers?: readonly string[]
  }
  readonly grpc?: { readonly service?: string }
  readonly reported?: Readonly<Record<string, never>>
  readonly none?: Readonly<Record<string, never>>
  readonly tls?: { readonly verify?: false; readonly serverName?: string }
  readonly interval?: Duration
  readonly timeout?: Duration
  readonly startPeriod?: Duration
  readonly failureThreshold?: number
  readonly successThreshold?: number
  readonly keepOpen?: true
}

export type CheckForm = string | CheckObject

/** Whether only asking can tell; who reports itself, or wants no check, is not asked. */
export function isAsked({ question }: Check): boolean {
  return question.type !== 'reported' && question.type !== 'none'
}

/** Values of the headers of a check, by their names in lower case. They never leave the home node. */
export type CheckHeaders = Readonly<Record<string, string>>

/** What a registration that says nothing means; a record never spells it out. */
export const defaultCheck = 'tcp'

export const checkDefaults = {
  interval_ms: 5000,
  timeout_ms: 3000,
  startPeriod_ms: 0,
  failureThreshold: 1,
  successThreshold: 1,
} as const

export const checkLimits = {
  interval: { min_ms: 500, max_ms: 3600_000 },
  timeout: { min_ms: 50, max_ms: 60_000 },
  startPeriod: { min_ms: 0, max_ms: 3600_000 },
  threshold: 10,
  path: 2048,
  statuses: 16,
  headers: 16,
  headerLength: 1024,
  serviceLength: 256,
} as const

const goodStatuses: readonly StatusRange[] = [
  [101, 101],
  [200, 399],
]

/** No fragment and no space: it is sent as it is written. */
const pathForm = /^\/(?!\/)[!-"$-~]*$/
const shortHttp = /^(https?):(.*)$/s

const kinds = ['tcp', 'http', 'grpc', 'reported', 'none'] as const
const settings = [
  ...(['tls', 'interval', 'timeout', 'startPeriod', 'failureThreshold', 'successThreshold', 'keepOpen'] as const),
]

// ---- reading a record

/** @returns undefined for what no version that we know has written */
export function readCheck(form: unknown): Check | undefined {
  if (form === undefined) return undefined // most say none, and an error costs more than all else that is read of a record
  try {
    return checkOf(parseCheck(form, 'check', 'record').form)
  } catch {
    return undefined
  }
}

/** @param form as `parseCheck` gives it */
function checkOf(form: CheckForm): Check {
  const object = typeof form === 'string' ? longForm(form) : form
  const { interval, timeout, startPeriod, tls, failureThreshold, successThreshold } = object
  const isSecure = typeof form === 'string' ? form.startsWith('https:') : tls !== undefined || 'as its url says'
  return {
    question: questionOf(object),
    secure: isSecure,
    tls: { verify: tls?.verify ?? true, ...(tls?.serverName !== undefined && { serverName: tls.serverName }) },
    interval_ms: lengthOf(interval, checkDefaults.interval_ms),
    timeout_ms: lengthOf(timeout, checkDefaults.timeout_ms),
    startPeriod_ms: lengthOf(startPeriod, checkDefaults.startPeriod_ms),
    failureThreshold: failureThreshold ?? checkDefaults.failureThreshold,
    successThreshold: successThreshold ?? checkDefaults.successThreshold,
    keepOpen: object.keepOpen ?? false,
  }
}

function longForm(short: string): CheckObject {
  const [, , path] = shortHttp.exec(short) ?? []
  return path === undefined ? { [short]: {} } : { http: { path } }
}

function questionOf({ http, grpc, reported, none }: CheckObject): Question {
  if (http !== undefined) {
    const { path = '/', method = 'GET', statuses, headers = [] } = http
    return { type: 'http', path, method, statuses: statuses?.map(rangeOf) ?? goodStatuses, headers }
  }
  if (grpc !== undefined) return { type: 'grpc', service: grpc.service ?? '' }
  if (reported !== undefined) return { type: 'reported' }
  return { type: none === undefined ? 'tcp' : 'none' }
}

function rangeOf(text: string): StatusRange {
  const [from = Number.NaN, to = from] = text.split('-').map(Number)
  return [from, to]
}

function lengthOf(text: Duration | undefined, otherwise_ms: number): number {
  return text === undefined ? otherwise_ms : (durationOf(text) ?? otherwise_ms)
}

/** How its home node checks an instance: as every other one where its record says nothing, or what only a later version knows. */
export function checkOfRecord({ check = defaultCheck }: { readonly check?: CheckForm }): Check {
  return readCheck(check) ?? (readCheck(defaultCheck) as Check)
}

// ---- reading what a caller says

export interface ParsedCheck {
  readonly form: CheckForm
  readonly headers?: CheckHeaders
}

/**
 * Reads a check in either form; what it comes to is as short as it can be said, so that earlier versions understand what they can.
 * @param from a record names the headers, a caller gives their values as well
 * @throws RegistryError `malformed`, naming the field
 */
export function parseCheck(input: unknown, field: string, from: 'caller' | 'record' = 'caller'): ParsedCheck {
  if (typeof input === 'string') return { form: parseShort(input, field) }
  const fields = objectOf(
    input,
    field,
    'tcp, http:/path, https:/path, reported, none, or an object such as {"http": {"path": "/healthz"}}',
  )
  refuseOthers(fields, [...kinds, ...settings], field)
  const said = kinds.filter((kind) => isSaid(fields[kind]))
  if (said.length > 1) throw malformed(field, `says ${said.join(' and ')}; one instance is checked in one way`)
  const [kind = 'tcp'] = said
  const { question, headers } = parseQuestion(kind, fields[kind], `${field}.${kind}`, from)
  const tls = isSaid(fields['tls']) ? { tls: parseTls(fields['tls'], `${field}.tls`) } : {}
  const object = withoutDefaults({ ...question, ...tls, ...parseSettings(fields, field) })
  return { form: shortest(object), ...(headers !== undefined && { headers }) }
}

function parseShort(text: string, field: string): string {
  if (text === 'tcp' || text === 'reported' || text === 'none') return text
  const [, , path] = shortHttp.exec(text) ?? []
  if (path !== undefined && pathForm.test(path) && path.length <= checkLimits.path) return text
  const wayOut =
    'give tcp, http:/path or https:/path (asked of the host and port of the url), reported, none, or an object such as {"grpc": {}}'
  throw new RegistryError('malformed', `${field}: ${quote(shownUrl(text))} is not a check; ${wayOut}`)
}

type Kind = (typeof kinds)[number]

function parseQuestion(
  kind: Kind,
  input: unknown,
  field: string,
  from: 'caller' | 'record',
): { readonly question: CheckObject; readonly headers?: CheckHeaders } {
  const fields = input === true || !isSaid(input) ? {} : objectOf(input, field, 'an object')
  if (kind === 'http') return parseHttp(fields, field, from)
  refuseOthers(fields, kind === 'grpc' ? ['service'] : [], field)
  if (kind !== 'grpc') return { question: { [kind]: {} } }
  const service = textOf(fields['service'], `${field}.service`, checkLimits.serviceLength)
  return { question: { grpc: service === undefined ? {} : { service } } }
}

function parseHttp(
  fields: Readonly<Record<string, unknown>>,
  field: string,
  from: 'caller' | 'record',
): { readonly question: CheckObject; readonly headers?: CheckHeaders } {
  refuseOthers(fields, ['path', 'method', 'statuses', 'headers'], field)
  const path = textOf(fields['path'], `${field}.path`, checkLimits.path)
  if (path !== undefined && !pathForm.test(path))
    throw malformed(
      `${field}.path`,
      `${quote(shownUrl(path))} is not a path; it begins with one / and has no host, space or #`,
    )
  const method = textOf(fields['method'], `${field}.method`, 16)?.toUpperCase()
  if (method !== undefined && method !== 'GET' && method !== 'HEAD')
    throw malformed(`${field}.method`, `${quote(method)} may change something; a check is GET or HEAD`)
  const statuses = parseStatuses(fields['statuses'], `${field}.statuses`)
  const { names, values } = parseHeaders(fields['headers'], `${field}.headers`, from)
  const http: CheckObject['http'] = {
    ...(path !== undefined && { path }),
    ...(method === 'HEAD' && { method: 'HEAD' as const }),
    ...(statuses !== undefined && { statuses }),
    ...(names.length > 0 && { headers: names }),
  }
  return { question: { http }, ...(values !== undefined && { headers: values }) }
}

function parseStatuses(input: unknown, field: string): readonly string[] | undefined {
  if (!isSaid(input)) return undefined
  if (!Array.isArray(input) || input.length === 0 || input.length > checkLimits.statuses)
    throw malformed(field, `must be a list of 1 to ${checkLimits.statuses}, such as ["200-399"]`)
  return input.map((one: unknown) => {
    const text = typeof one === 'number' ? `${one}` : typeof one === 'string' ? one : ''
    const [, from = '', to = from] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text) ?? []
    if (from === '' || Number(from) > Number(to)) throw malformed(field, `${quote(one)} is neither 200 nor 200-399`)
    return from === to ? from : `${from}-${to}`
  })
}

/**
 * What speaks for whom, how the message goes on, to whom, that it means another method than it has, or opens the secrets of a machine in
 * a cloud: a check must not be made to say any of it.
 */
const refusedHeader =
  /^(?:host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|http2-settings|content-length|expect|.*metadata.*|x-(?:http-)?method(?:-override)?)$/

function parseHeaders(
  input: unknown,
  field: string,
  from: 'caller' | 'record',
): { readonly names: readonly string[]; readonly values?: CheckHeaders } {
  if (!isSaid(input)) return { names: [] }
  const isNamesAlone = from === 'record' && Array.isArray(input)
  const given = isNamesAlone
    ? (input as unknown[]).map((name) => [String(name), ''] as const)
    : Object.entries(objectOf(input, field, 'an object of texts such as {"authorization": "Bearer …"}'))
  if (given.length > checkLimits.headers) throw malformed(field, `more than ${checkLimits.headers}`)
  const values = new Map<string, string>()
  for (const [said, value] of given) {
    const name = said.toLowerCase()
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/.test(name))
      throw malformed(field, `${quote(said)} is not the name of a header`)
    if (refusedHeader.test(name)) throw malformed(`${field}.${name}`, 'is not for a check to say; leave it out')
    if (
      typeof value !== 'string' ||
      value.length > checkLimits.headerLength ||
      !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)
    )
      throw malformed(
        `${field}.${name}`,
        `must be one line of Latin-1 text, at most ${checkLimits.headerLength} characters`,
      )
    values.set(name, value)
  }
  const names = [...values.keys()].sort()
  return isNamesAlone || names.length === 0 ? { names } : { names, values: Object.fromEntries(values) }
}

function parseTls(input: unknown, field: string): NonNullable<CheckObject['tls']> {
  const fields = input === true ? {} : objectOf(input, field, 'an object such as {"verify": false}')
  refuseOthers(fields, ['verify', 'serverName'], field)
  const verify = flagOf(fields['verify'], `${field}.verify`) ?? true
  const serverName = textOf(fields['serverName'], `${field}.serverName`, 253)
  if (serverName !== undefined && !/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(serverName))
    throw malformed(`${field}.serverName`, `${quote(serverName)} is not a host name`)
  return { ...(!verify && { verify }), ...(serverName !== undefined && { serverName }) }
}

function parseSettings(fields: Readonly<Record<string, unknown>>, field: string): CheckObject {
  const length = (name: 'interval' | 'timeout' | 'startPeriod'): Duration | undefined =>
    isSaid(fields[name]) ? parseDuration(fields[name], `${field}.${name}`, checkLimits[name]) : undefined
  const threshold = (name: 'failureThreshold' | 'successThreshold'): number | undefined => {
    const value = fields[name]
    if (!isSaid(value)) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= checkLimits.threshold)
      return value
    throw malformed(`${field}.${name}`, `must be a whole number from 1 to ${checkLimits.threshold}`)
  }
  const keepOpen = flagOf(fields['keepOpen'], `${field}.keepOpen`)
  const values = {
    interval: length('interval'),
    timeout: length('timeout'),
    startPeriod: length('startPeriod'),
    failureThreshold: threshold('failureThreshold'),
    successThreshold: threshold('successThreshold'),
    keepOpen: keepOpen === true ? keepOpen : undefined,
  }
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as CheckObject
}

function withoutDefaults(object: CheckObject): CheckObject {
  const { interval, timeout, startPeriod, failureThreshold, successThreshold, ...rest } = object
  const differs = (text: Duration | undefined, otherwise_ms: number): text is Duration =>
    text !== undefined && durationOf(text) !== otherwise_ms
  return {
    ...rest,
    ...(differs(interval, checkDefaults.interval_ms) && { interval }),
    ...(differs(timeout, checkDefaults.timeout_ms) && { timeout }),
    ...(differs(startPeriod, checkDefaults.startPeriod_ms) && { startPeriod }),
    ...(failureThreshold !== undefined && failureThreshold !== checkDefaults.failureThreshold && { failureThreshold }),
    ...(successThreshold !== undefined && successThreshold !== checkDefaults.successThreshold && { successThreshold }),
  }
}

function shortest(object: CheckObject): CheckForm {
  const [kind, ...others] = Object.keys(object)
  if (others.length > 0) return object
  return kind === 'tcp' || kind === 'reported' || kind === 'none' ? kind : object
}

/** As a table shows it: the short form where there is one, else what is said in one line. */
export function checkInWords(form: CheckForm): string {
  if (typeof form === 'string') return form
  return Object.entries(form)
    .map(([name, value]) => (typeof value === 'object' ? settingInWords(name, value) : `${name}=${String(value)}`))
    .join(' ')
}

function settingInWords(name: string, value: object): string {
  const inner = Object.entries(value).map(([key, one]) => `${key}=${String(one)}`)
  return inner.length === 0 ? name : `${name}(${inner.join(' ')})`
}

// ---- small readers

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null
}

function objectOf(input: unknown, field: string, form: string): Readonly<Record<string, unknown>> {
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Record<string, unknown>
  throw malformed(field, `must be ${form}`)
}

function refuseOthers(fields: Readonly<Record<string, unknown>>, known: readonly string[], field: string): void {
  const other = Object.keys(fields).find((name) => !known.includes(name))
  if (other === undefined) return
  const wayOut = known.length === 0 ? 'it takes none' : `there are ${known.join(', ')}`
  throw malformed(`${field}.${other.slice(0, 64)}`, `there is no such field; ${wayOut}`)
}

function textOf(value: unknown, field: string, limit: number): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw malformed(field, 'must be a string')
  return boundedText(value, field, limit)
}

function flagOf(value: unknown, field: string): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  throw malformed(field, 'must be true or false')
}
