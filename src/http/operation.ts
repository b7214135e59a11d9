/**
 * How a call is described in the OpenAPI document: one shape for all of them, so that none lacks what a client generator needs.
 * It changes nothing of how a call is answered.
 */
import type { FastifySchema } from 'fastify'
import { freshnessHeader } from '../config/freshness.js'
import { positionHeader } from '../config/position.js'
import { warningHeader } from '../config/warning.js'
import type { statusByCode } from '../config/statuses.js'
import type { ErrorCode } from '../core/model/errors.js'
import type { Schema } from './json-schema.js'
import * as schemas from './schemas.js'

declare module 'fastify' {
  interface FastifySchema {
    /** See `bodiesExtension`. */
    readonly 'x-bodies'?: object
  }
}

export const tags = {
  instances: 'Running copies of services: register, list, remove, look up',
  sessions: 'Programs that registrations live with',
  definitions: 'What services are',
  nodes: 'The machines that daemons run on',
  cluster: 'What this daemon believes of the others, and how far they agree',
  health: 'Whether this daemon is well; these need no credentials',
} as const

/** By name; each has to fit the schema that it stands beside. */
export type Examples = Readonly<Record<string, unknown>>

export interface Answer {
  readonly description: string
  /** Absent: no body. */
  readonly schema?: Schema
  readonly examples?: Examples
  /** Of the body, where it is not JSON. */
  readonly mediaType?: string
  /** Carries the position of the news that are in it. */
  readonly positioned?: true
  /** Says how old its truth may be. */
  readonly isAged?: true
  /** May say in a header what is to be known of what was taken. */
  readonly warns?: true
}

export interface Call {
  readonly id: string
  readonly tag: keyof typeof tags
  readonly summary: string
  readonly description?: string
  readonly params?: Schema
  readonly query?: Schema
  readonly headers?: Schema
  readonly body?: { readonly required: boolean; readonly schema: Schema; readonly examples: Examples }
  readonly answers: Readonly<Record<number, Answer>>
  /** How else it can end, besides what every call shares. */
  readonly failures?: readonly FailureStatus[]
  /** Asks for no credentials. */
  readonly open?: true
}

/** Of each kind of error but our own faults, which are documented for no call. */
type FailureStatus = Exclude<(typeof statusByCode)[ErrorCode], 500>

const failures: Readonly<Record<FailureStatus, readonly [description: string, example: string]>> = {
  400: [
    'The request breaks a rule; the error names the field',
    'url: missing; give url, or host, or ip (with scheme and port)',
  ],
  401: [
    'No credentials, or none that are known',
    'authorization: this daemon asks for a token; send the header Authorization: Bearer TOKEN (--token or ROLLCALL_TOKEN)',
  ],
  403: [
    'Not permitted: to this token, to this page, or by this name of the daemon',
    'slug: token "ci" may neither register nor change "web"; it may: team-a/*',
  ],
  404: ['There is no such record', 'id: there is no instance inst_5d8a7f1e02b96c3d4e5f'],
  409: [
    'Another fact stands against it',
    'url: 2 nodes have "http://10.0.0.5:58231": abc (peer 12D3…1), def (peer 12D3…2); delete one by its peer id',
  ],
  413: ['More than one request may carry', 'body: larger than 1048576 bytes; send less at once'],
  503: [
    'Not now: starting, stopping, overloaded, or the disk refuses writes',
    'the daemon is starting; try again in a moment',
  ],
}

const headersOf: Readonly<Record<number, object>> = {
  401: { 'www-authenticate': { description: 'Bearer', schema: { type: 'string' } } },
  503: { 'retry-after': { description: 'seconds', schema: { type: 'integer' } } },
}

/**
 * The extension under which bodies travel to `finishOperation`: the plugin would take fields of examples for keywords of
 * schemas, and hold every request body for required.
 */
export const bodiesExtension = 'x-bodies'

export function describe(call: Call): FastifySchema {
  const { id, tag, summary, description, params, query, headers, body } = call
  const shared = call.open === true ? [503 as const] : [401 as const, 403 as const, 503 as const]
  const failing = [...(call.failures ?? []), ...shared].filter((status) => !(status in call.answers))
  const bodies = {
    ...(body !== undefined && { requestBody: { required: body.required, content: contentOf(body) } }),
    responses: {
      ...Object.fromEntries(Object.entries(call.answers).map(([status, answer]) => [status, responseOf(answer)])),
      ...Object.fromEntries(failing.map((status) => [status, failureOf(status)])),
      default: { description: 'Whatever else went wrong', content: contentOf({ schema: schemas.Failure }) },
    },
  }
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(params !== undefined && { params }),
    ...(query !== undefined && { querystring: query }),
    ...(headers !== undefined && { headers }),
    ...(call.open === true && { security: [] }),
    [bodiesExtension]: bodies,
  }
}

/** Whether a call is described with a body. */
export function takesBody(schema: FastifySchema | undefined): boolean {
  const bodies = (schema as { readonly [bodiesExtension]?: object } | undefined)?.[bodiesExtension]
  return bodies !== undefined && 'requestBody' in bodies
}

const positionHeaders = {
  [positionHeader]: {
    description: 'how far the answer goes: `/v1/events?after=` it tells all that happened since, and nothing else',
    schema: { type: 'string' },
  },
}

const freshnessHeaders = {
  [freshnessHeader]: {
    description: `such as \`heard=340, in-step=2, members=2\`: the home node of a listed instance that was heard of longest ago was heard of
so many milliseconds ago (0: all are at home here; absent: not known); of so many living nodes that this one compares with, so many
hold what it holds`,
    schema: { type: 'string' },
  },
}

const warningHeaders = {
  [warningHeader]: {
    description: `what is to be known of what was taken, such as that its slug has no name in the DNS that this daemon answers; letters
beyond ASCII as \`\\uXXXX\``,
    schema: { type: 'string' },
  },
}

function responseOf({ description, schema, examples, mediaType, positioned, isAged, warns }: Answer): object {
  const headers = (positioned || isAged || warns) && {
    headers: { ...(positioned && positionHeaders), ...(isAged && freshnessHeaders), ...(warns && warningHeaders) },
  }
  if (schema === undefined) return { description, ...headers }
  return { description, ...headers, content: contentOf({ schema, ...(examples && { examples }) }, mediaType) }
}

function failureOf(status: FailureStatus): object {
  const [description, error] = failures[status]
  const headers = headersOf[status]
  const content = contentOf({ schema: schemas.Failure, examples: { failure: { error } } })
  return { description, ...(headers !== undefined && { headers }), content }
}

function contentOf(body: { schema: Schema; examples?: Examples }, mediaType = 'application/json'): object {
  const named = Object.entries(body.examples ?? {}).map(([name, value]) => [name, { value }] as const)
  const examples = named.length === 0 ? {} : { examples: Object.fromEntries(named) }
  return { [mediaType]: { schema: withReferences(body.schema), ...examples } }
}

/** Schemas with a name stand once, under `components`, and everywhere else by reference. */
export function withReferences(schema: unknown, isRoot = false): unknown {
  if (Array.isArray(schema)) return schema.map((item) => withReferences(item))
  if (typeof schema !== 'object' || schema === null) return schema
  const { $id, ...rest } = schema as { $id?: string }
  if ($id !== undefined && !isRoot) return { $ref: `#/components/schemas/${$id}` }
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, withReferences(value)]))
}
