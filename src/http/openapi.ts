/**
 * The OpenAPI document of all calls, made from the very schemas that stand at the routes. It is served at `/openapi.json`.
 */
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
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

/** Has to come before the routes, which have to be registered in a plugin after it. */
export function collectCalls(app: FastifyInstance, asksForCredentials: boolean): void {
  const named = Object.values({ ...schemas, ...actSchemas, ...watchSchemas } as Readonly<
    Record<string, unknown>
  >).filter(isNamed)
  const components = Object.fromEntries(named.map((schema) => [schema.$id, withReferences(schema, true)]))
  void app.register(swagger, {
    openapi: {
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
    },
  })
}

function isNamed(schema: unknown): schema is json.Schema & { readonly $id: string } {
  return typeof schema === 'object' && schema !== null && typeof (schema as { $id?: unknown }).$id === 'string'
}

export function addOpenApi(app: FastifyInstance, service: FindService): void {
  let document: string | undefined
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
    (_request, reply) => {
      document ??= JSON.stringify(finish(app.swagger() as unknown as Json, service().self().version))
      return reply.type(jsonType).send(document)
    },
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
