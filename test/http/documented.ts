/**
 * Holds answers of a running server against the OpenAPI document that it serves.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { request, sendRaw, type RawAnswer } from './raw.js'

export interface MediaType {
  readonly schema: object
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly parameters?: readonly (MediaType & {
    readonly name: string
    readonly in: string
    readonly required?: boolean
  })[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, MediaType>> }
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, MediaType>> }>
  >
  readonly security?: readonly object[]
}

export interface OpenApi {
  readonly openapi: string
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>>; readonly securitySchemes: object }
  readonly security: readonly object[]
}

export async function readDocument(url: string, headers: readonly string[] = []): Promise<OpenApi> {
  const { status, body } = await sendRaw(url, request('GET /openapi.json', headers))
  if (status !== 200) throw new Error(`/openapi.json: ${status} ${body}`)
  return JSON.parse(body) as OpenApi
}

export class Documented {
  readonly document: OpenApi
  readonly #ajv: Ajv2020
  readonly #compiled = new Map<object, ValidateFunction>()

  constructor(document: OpenApi) {
    this.document = document
    this.#ajv = new Ajv2020({ strict: false, allErrors: true })
    formats.default(this.#ajv)
    this.#ajv.addSchema({ $id: 'document', components: document.components })
  }

  /** What is wrong with a value; nothing where it fits. */
  errors(schema: object, value: unknown): readonly string[] {
    const validate = this.#compile(schema)
    if (validate(value)) return []
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  }

  #compile(schema: object): ValidateFunction {
    const known = this.#compiled.get(schema)
    if (known !== undefined) return known
    const text = JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/')
    const validate = this.#ajv.compile(JSON.parse(text) as object)
    this.#compiled.set(schema, validate)
    return validate
  }

  operations(): readonly (readonly [string, Operation])[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
    )
  }

  /** The operation that a request is for; undefined where it is for none. */
  find(method: string, target: string): Operation | undefined {
    const segments = (target.split('?')[0] ?? '').split('/')
    const fits = (path: string): boolean => {
      const parts = path.split('/')
      return parts.length === segments.length && parts.every((part, i) => part.startsWith('{') || part === segments[i])
    }
    const exact = this.document.paths[segments.join('/')]
    const template = Object.keys(this.document.paths).find(fits)
    return (exact ?? (template === undefined ? undefined : this.document.paths[template]))?.[method.toLowerCase()]
  }

  /** Where an answer is another than the document promises. */
  complaints(line: string, { status, headers, body }: RawAnswer): readonly string[] {
    const [method = '', target = ''] = line.split(' ')
    const operation = this.find(method, target)
    if (operation === undefined)
      return status < 400 && method !== 'HEAD' && method !== 'OPTIONS' ? [`${line}: not documented`] : []
    const response = operation.responses[String(status)] ?? (status >= 400 ? operation.responses['default'] : undefined)
    if (response === undefined) return [`${line}: status ${status} is not documented`]
    if (response.content === undefined) return body === '' ? [] : [`${line}: a body with ${status}`]
    const media = response.content[(headers['content-type'] ?? '').split(';')[0] ?? '']
    if (media === undefined) return [`${line}: content type ${headers['content-type']} is not documented`]
    const value: unknown = headers['content-type']?.startsWith('application/json') ? JSON.parse(body) : body
    return this.errors(media.schema, value).map((error) => `${line} ${status}: ${error}`)
  }
}
