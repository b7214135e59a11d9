/**
 * What a caller said that nobody understands: refused in calls of our own, told beside the answer in those of published clients.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { metadataPrefix } from '../config/filters.js'
import { shortened, unknownName } from '../config/nearest.js'
import { RegistryError } from '../core/errors.js'
import type { Schema } from './json-schema.js'

/** So many are told of; more would be no help. */
const toldAtMost = 8

/**
 * Every parameter of our own calls has to be one that the call knows, also where it is empty. In calls of published clients an empty
 * one says nothing, as it did in the original.
 */
export function readParametersAsTheyAreMeant(app: FastifyInstance): void {
  app.addHook('preValidation', (request, _reply, done) => {
    if (!request.url.includes('?')) return done()
    if (request.routeOptions.url?.startsWith('/v1/') !== true) {
      dropEmpty(request.query as Record<string, string | string[]>)
      return done()
    }
    const [unknown = doubled(request)] = unknownParameters(request)
    done(unknown === undefined ? undefined : new RegistryError('malformed', unknown))
  })
}

function dropEmpty(query: Record<string, string | string[]>): void {
  for (const [name, value] of Object.entries(query)) {
    const said = [value].flat().filter((text) => text !== '')
    if (said.length === 0) delete query[name]
    else if (said.length === 1) query[name] = said[0] as string
    else query[name] = said
  }
}

/** A sentence about each of the first few: guessing what was meant takes its time. */
function unknownParameters({ url, routeOptions }: FastifyRequest): readonly string[] {
  const { querystring } = (routeOptions.schema ?? {}) as { querystring?: Schema }
  const known = Object.keys(querystring?.properties ?? {})
  const unknown = namesIn(url).filter((name) => !known.includes(name) && !isKeyed(name, known))
  return unknown
    .slice(0, toldAtMost)
    .map((name) =>
      known.length === 0 ? `${shortened(name)}: this call takes no parameters` : unknownName(name, known, 'parameter'),
    )
}

/** Who changes something names it once: of two, one would be left as it was without a word. */
function doubled({ url, method }: FastifyRequest): string | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined
  const given = new URLSearchParams(url.slice(url.indexOf('?') + 1))
  const name = [...given.keys()].find((one) => given.getAll(one).length > 1)
  return name === undefined ? undefined : `${shortened(name)}: is given twice; give one, and ask once for each`
}

/** `metadata.KEY` stands for a parameter of any key. */
function isKeyed(name: string, known: readonly string[]): boolean {
  return known.includes(`${metadataPrefix}KEY`) && name.startsWith(metadataPrefix) && name !== metadataPrefix
}

/** The names of the parameters of a url, also of those that are empty. */
function namesIn(url: string): readonly string[] {
  const at = url.indexOf('?')
  return at < 0 ? [] : [...new Set(new URLSearchParams(url.slice(at + 1)).keys())]
}

/**
 * What was ignored, parameters and fields of the body, one sentence each, as a field beside the answer; nothing where all was
 * understood.
 * @param fields that the body may have
 */
export function warningsOf(
  request: FastifyRequest,
  fields: readonly string[] = [],
): { readonly warnings?: readonly string[] } {
  const given = Object.keys((request.body ?? {}) as object)
    .filter((name) => !fields.includes(name))
    .slice(0, toldAtMost)
  const unknown = [...unknownParameters(request), ...given.map((name) => unknownName(name, fields, 'field'))]
  return unknown.length === 0 ? {} : { warnings: unknown.slice(0, toldAtMost).map((words) => `ignored: ${words}`) }
}
