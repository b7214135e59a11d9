/**
 * The OpenAPI document of all calls, made from the very schemas that stand at the routes. It is served at `/openapi.json`.
 */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { fastify, type FastifyInstance, type RouteOptions } from 'fastify'
import { compilersFactory } from './app.js'
import { jsonType } from './body.js'
import { describe, bodiesExtension, tags, withReferences } from './operation.js'
import * as json from './json-schema.js'
import * as actSchemas from './act-schemas.js'
import * as schemas from './schemas.js'
import * as watchSchemas from './watch-schemas.js'
import type { FindService } from './service.js'

const about = `A service registry with no servers: every node holds the whole register and answers from memory.

Everything under \`/registry-svc\` is the Registry Svc API, on which published clients rely; the rest is beside it. A body is read
as JSON whatever its content type. Ids, slugs and urls in paths are percent-encoded once. Failures are always
\`{"error": "what was wrong, which field, what to do"}\`. Writes are answered once they are on the disk of this machine.`

type Json = Record<string, unknown>

export interface Calls {
  /** Every route but HEAD, as it was added. */
  readonly routes: readonly RouteOptions[]
  readonly asksForCredentials: () => boolean
}

/** Has to come before the routes, which have to be registered in a plugin after it. */
export function collectCalls(app: FastifyInstance, asksForCredentials: () => boolean): Calls {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD') routes.push(route)
  })
  return { routes, asksForCredentials }
}

/**
 * Tells of all calls by an app that answers none: what makes the document is loaded when somebody asks for it, since few daemons are
 * ever asked.
 */
async function readCalls({ routes, asksForCredentials }: Calls): Promise<Json> {
  const { default: swagger } = await import('@fastify/swagger')
  const app = fastify({ exposeHeadRoutes: false, schemaController: { compilersFactory } })
  await app.register(swagger, { openapi: frame(asksForCredentials()) })
  for (const { method, url, schema } of routes) app.route({ method, url, schema, handler: () => undefined })
  await app.ready()
  const document = app.swagger() as unknown as Json
  await app.close()
  return document
}

/** All but the calls. */
function frame(asksForCredentials: boolean): NonNullable<FastifyDynamicSwaggerOptions['openapi']> {
  const named = Object.values({ ...schemas, ...actSchemas, ...watchSchemas } as Readonly<
    Record<string, unknown>
  >).filter(isNamed)
  const components = Object.fromEntries(named.map((schema) => [schema.$id, withReferences(schema, true)]))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rollcall',
      version: '',
      description: about,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    security: asksForCredentials ? [{ token: [] }] : [{ token: [] }, {}],
    components: {
      schemas: components as never,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'One of the tokens, or a JWT by one of the keys, that the daemon was started with (--tokens). Without them nobody is asked.',
        },
      },
    },
  }
}

function isNamed(schema: unknown): schema is json.Schema & { readonly $id: string } {
  return typeof schema === 'object' && schema !== null && typeof (schema as { $id?: unknown }).$id === 'string'
}

export function addOpenApi(app: FastifyInstance, calls: Calls, service: FindService): void {
  let document: Promise<string> | undefined
  const write = async (): Promise<string> => JSON.stringify(finish(await readCalls(calls), service().self().version))
  app.get(
    '/openapi.json',
    {
      schema: describe({
        id: 'getOpenApi',
        tag: 'health',
        summary: 'This document',
        answers: {
          200: {
            description: 'OpenAPI 3.1',
            schema: json.object({ openapi: json.string() }, { additionalProperties: true }),
            examples: { begin: { openapi: '3.1.0', info: { title: 'Rollcall', version: '0.1.0' }, paths: {} } },
          },
        },
      }),
    },
    async (_request, reply) => reply.type(jsonType).send(await (document ??= write())),
  )
}

/** Bodies as they were described, and the version of the running daemon. */
function finish(document: Json, version: string): Json {
  const paths = Object.entries(document['paths'] as Record<string, Record<string, Json>>).map(([path, operations]) => {
    const finished = Object.entries(operations).map(([method, operation]) => [method, finishOperation(operation)])
    return [path, Object.fromEntries(finished) as Json]
  })
  return { ...document, info: { ...(document['info'] as Json), version }, paths: Object.fromEntries(paths) as Json }
}

function finishOperation({ [bodiesExtension]: bodies, ...operation }: Json): Json {
  return { ...operation, ...(bodies as Json | undefined) }
}
