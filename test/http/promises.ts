// What an OpenAPI document promises to callers, a line each, and what of it a later document does not keep. It compares no examples and no words for people.
//
//     curl -s http://127.0.0.1:58231/openapi.json | npx tsx test/http/promises.ts > test/http/promised.txt
//
// writes the promises of the version that runs there. `<` is what a caller says, `>` what is answered; `!` is always there, or demanded.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { OpenApi } from './documented.js'

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly [limit: string]: unknown
}

type Side = '<' | '>'

/** What may be at one place: types, models as `#Name`, values as JSON; of what a caller says its limits, too, as `minimum=0`. */
interface Place {
  readonly words: Set<string>
  isRequired: boolean
}

const limits = ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'pattern'] as const

class Promises {
  readonly places = new Map<string, Place>()
  readonly #document: OpenApi

  constructor(document: OpenApi) {
    this.#document = document
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, { parameters = [], requestBody, responses }] of Object.entries(methods)) {
        const line = `${method.toUpperCase()} ${path}`
        this.#note(`< ${line}`, true)
        for (const { name, in: where, required = false, schema } of parameters)
          this.#add('<', `${line} ${where} ${name}`, schema as Schema, required)
        for (const [type, { schema }] of Object.entries(requestBody?.content ?? {}))
          this.#add('<', `${line} ${type}`, schema as Schema, requestBody?.required ?? false)
        for (const [status, { content = {} }] of Object.entries(responses)) {
          this.#note(`> ${line} ${status}`, true)
          for (const [type, { schema }] of Object.entries(content))
            this.#add('>', `${line} ${status} ${type}`, schema as Schema, true)
        }
      }
  }

  #note(key: string, isRequired: boolean): Place {
    const known = this.places.get(key)
    if (known !== undefined) {
      known.isRequired &&= isRequired // of several forms one can do without it
      return known
    }
    const place = { words: new Set<string>(), isRequired }
    this.places.set(key, place)
    return place
  }

  #add(side: Side, where: string, schema: Schema, isRequired: boolean): void {
    const { words } = this.#note(`${side} ${where}`, isRequired)
    for (const one of [schema.anyOf, schema.oneOf, schema.allOf].flatMap((forms) => forms ?? []))
      this.#add(side, where, one, isRequired)
    if (schema.$ref !== undefined) return this.#model(side, schema.$ref.replace(/.*\//, ''), words)
    for (const value of schema.enum ?? (schema.const === undefined ? [] : [schema.const]))
      words.add(JSON.stringify(value))
    const { type, properties = {}, required = [], additionalProperties: more, items } = schema
    if (type !== undefined && schema.enum === undefined && schema.const === undefined)
      words.add(more === false ? `closed-${type}` : type)
    if (side === '<') for (const limit of limits) if (limit in schema) words.add(`${limit}=${String(schema[limit])}`)
    for (const [name, property] of Object.entries(properties))
      this.#add(side, `${where}.${name}`, property, required.includes(name))
    if (typeof more === 'object') this.#add(side, `${where}.*`, more, false)
    if (items !== undefined) this.#add(side, `${where}[]`, items, false)
  }

  /** Each stands once for what is said, and once for what is answered. */
  #model(side: Side, name: string, words: Set<string>): void {
    words.add(`#${name}`)
    const model = this.#document.components.schemas[name]
    if (model !== undefined && !this.places.has(`${side} #${name}`)) this.#add(side, `#${name}`, model as Schema, true)
  }
}

export function promisesOf(document: OpenApi): string[] {
  const lines = [...new Promises(document).places].map(
    ([key, { words, isRequired }]) => `${key}${isRequired ? '!' : ''} : ${[...words].sort().join(' | ')}`,
  )
  return lines.map((line) => line.trimEnd()).sort()
}

function placesOf(lines: readonly string[]): Map<string, Place> {
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' :')
      const key = line.slice(0, at)
      const words = line.slice(at + 2).split(' | ')
      const isRequired = key.endsWith('!')
      return [key.replace(/!$/, ''), { words: new Set(words.map((word) => word.trim()).filter(Boolean)), isRequired }]
    }),
  )
}

/**
 * @param promised what callers were told by an earlier version
 * @returns where a caller who goes by that would be let down, a line each
 */
export function brokenPromises(promised: readonly string[], present: readonly string[]): string[] {
  const [before, now] = [placesOf(promised), placesOf(present)]
  const broken: string[] = []
  for (const [key, { words, isRequired }] of before) {
    const place = now.get(key)
    if (place === undefined) broken.push(`${key} is gone`)
    else broken.push(...changesOf(key, { words, isRequired }, place))
  }
  for (const [key, { isRequired }] of now) {
    const parent = before.get(parentOf(key))
    if (before.has(key) || parent === undefined) continue
    if (key.startsWith('<') && isRequired) broken.push(`${key} is demanded, and was not known`)
    if (key.startsWith('>') && parent.words.has('closed-object')) broken.push(`${key} is new where nothing was to come`)
  }
  return broken
}

/** What has a field, what a list holds, whose parameter or body it is. */
function parentOf(key: string): string {
  const whole = key.replace(/(\.[^.\s]+|\[\])$/, '')
  return whole === key ? key.replace(/( (path|query|header) \S+| \S+\/\S+)$/, '') : whole
}

function changesOf(key: string, before: Place, now: Place): string[] {
  const isSaid = key.startsWith('<')
  const isLimit = (word: string): boolean => word.includes('=') && !word.startsWith('"')
  const lost = [...before.words].filter((word) => !isLimit(word) && !now.words.has(word))
  const gained = [...now.words].filter((word) => !before.words.has(word))
  // One more value is no other type: callers are told to take those that they do not know for what they are.
  const narrowing = gained.filter((word) => (isSaid ? isLimit(word) : !word.startsWith('"')))
  return [
    ...lost.map((word) => `${key} is never ${word} any more`),
    ...narrowing.map((word) => `${key} is ${word} now`),
    ...(isSaid && !before.isRequired && now.isRequired ? [`${key} is demanded now`] : []),
    ...(!isSaid && before.isRequired && !now.isRequired ? [`${key} may be absent now`] : []),
  ]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  process.stdout.write(`${promisesOf(JSON.parse(readFileSync(0, 'utf8')) as OpenApi).join('\n')}\n`)
