/**
 * What a caller said that nobody understands: refused in calls of our own, told beside the answer in those of published clients. What
 * whoever watches over processes asks for (`/healthz`, `/metrics`), the page and the document take no parameters, and look at none.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { metadataPrefix } from '../config/filters.js'
import { shortened, unknownName } from '../config/nearest.js'
import { RegistryError } from '../core/model/errors.js'
import type { Schema } from './json-schema.js'
import { listParameters } from './queries.js'

/** So many are told of; more would be no help. */
const toldAtMost = 8

/** In one question; to look at more takes longer than to answer. */
const parametersAtMost = 256

/**
 * Every parameter of our own calls has to be one that the call knows, also where it is empty, and is given once, unless it is a list. In
 * calls of published clients an empty one says nothing, and of two the last one counts, as in the original.
 */
export function readParametersAsTheyAreMeant(app: FastifyInstance): void {
  app.addHook('preValidation', (request, _reply, done) => {
    if (!request.url.includes('?')) return done()
    if (request.url.split('&', parametersAtMost + 1).length > parametersAtMost)
      return done(
        new RegistryError('malformed', `query: has more than ${parametersAtMost} parameters; ask for less at once`),
      )
    if (request.routeOptions.url?.startsWith('/v1/') !== true) {
      dropEmpty(request.query as Record<string, string | string[]>)
      return done()
    }
    if (!isEncoded(request.url))
      return done(new RegistryError('malformed', 'query: holds a % that is not the percent-encoding of UTF-8'))
    const [unknown = twiceIn(request)] = unknownParameters(request)
    done(unknown === undefined ? undefined : new RegistryError('malformed', unknown))
  })
}

/** What is not would be taken for another text, which nothing has: `m%FCsli`, of a client that knows Latin-1. */
function isEncoded(url: string): boolean {
  try {
    return decodeURIComponent(url) !== ''
  } catch {
    return false
  }
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

/** Of two, one would be left out without a word. Who changes something names it once, also where several could be listed. */
function twiceIn({ url, method }: FastifyRequest): string | undefined {
  const isReading = method === 'GET' || method === 'HEAD'
  const [name] = doubled(url, isReading ? listParameters : [])
  return name === undefined ? undefined : `${shortened(name)}: is given twice; give one, and ask once for each`
}

/** The names that a url has twice, with different texts or not. */
function doubled(url: string, lists: readonly string[]): readonly string[] {
  const given = parametersOf(url)
  return [...new Set(given.keys())].filter((name) => !lists.includes(name) && given.getAll(name).length > 1)
}

/** `metadata.KEY` stands for a parameter of any key. */
function isKeyed(name: string, known: readonly string[]): boolean {
  return known.includes(`${metadataPrefix}KEY`) && name.startsWith(metadataPrefix) && name !== metadataPrefix
}

/** The names of the parameters of a url, also of those that are empty. */
function namesIn(url: string): readonly string[] {
  return [...new Set(parametersOf(url).keys())]
}

function parametersOf(url: string): URLSearchParams {
  const at = url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
}

/** Published clients give some parameters twice, with the same text: that is no news to anybody. */
function leftOut(url: string): readonly string[] {
  const given = parametersOf(url)
  return doubled(url, listParameters)
    .filter((name) => new Set(given.getAll(name)).size > 1)
    .map((name) => `${shortened(name)}: is given twice; the last one counts`)
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
  const unknown = [
    ...unknownParameters(request),
    ...leftOut(request.url),
    ...given.map((name) => unknownName(name, fields, 'field')),
  ]
  return unknown.length === 0 ? {} : { warnings: unknown.slice(0, toldAtMost).map((words) => `ignored: ${words}`) }
}
