/**
 * What a caller said that nobody understands: refused in calls of our own, told beside the answer in those of published clients.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { metadataPrefix } from '../config/filters.js'
import { unknownName } from '../config/nearest.js'
import { RegistryError } from '../core/errors.js'
import type { Schema } from './json-schema.js'

/** So many are told of; more would be no help. */
const toldAtMost = 8

/** Every parameter of our own calls has to be one that the call knows, also where it is empty. */
export function refuseUnknownParameters(app: FastifyInstance): void {
  app.addHook('preValidation', (request, _reply, done) => {
    const unknown = isOwn(request) ? unknownParameter(request) : undefined
    done(unknown === undefined ? undefined : new RegistryError('malformed', unknown))
  })
}

function isOwn({ url, routeOptions }: FastifyRequest): boolean {
  return url.includes('?') && routeOptions.url?.startsWith('/v1/') === true
}

function unknownParameter({ url, routeOptions }: FastifyRequest): string | undefined {
  const { querystring } = (routeOptions.schema ?? {}) as { querystring?: Schema }
  const known = Object.keys(querystring?.properties ?? {})
  const unknown = namesIn(url).find((name) => !known.includes(name) && !isKeyed(name, known))
  if (unknown === undefined) return undefined
  return known.length === 0 ? `${unknown}: this call takes no parameters` : unknownName(unknown, known, 'parameter')
}

/** `metadata.KEY` stands for a parameter of any key. */
function isKeyed(name: string, known: readonly string[]): boolean {
  return known.includes(`${metadataPrefix}KEY`) && name.startsWith(metadataPrefix) && name !== metadataPrefix
}

/** The names of the parameters of a url, also of those that are empty. */
export function namesIn(url: string): readonly string[] {
  const at = url.indexOf('?')
  return at < 0 ? [] : [...new Set(new URLSearchParams(url.slice(at + 1)).keys())]
}

/** What was ignored, one sentence each, as a field beside the answer; nothing where all was understood. */
export function warningsOf(
  given: readonly string[],
  known: readonly string[],
  what: string,
): { readonly warnings?: readonly string[] } {
  const unknown = given.filter((name) => !known.includes(name))
  if (unknown.length === 0) return {}
  return { warnings: unknown.slice(0, toldAtMost).map((name) => `ignored: ${unknownName(name, known, what)}`) }
}
