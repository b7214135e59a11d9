/**
 * JSON Schema, said in few words: each function returns a schema as plain data.
 *
 * No type builder: the types of what passes through the doors are the model's, and TypeBox took, for these few keywords, a quarter
 * of a daemon's start and 15 MiB of its memory.
 */

/** What may stand in any schema, as JSON Schema (draft 2020-12) means it. */
export interface Keywords {
  readonly $id?: string
  readonly description?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly examples?: readonly unknown[]
  readonly additionalProperties?: boolean | Schema
}

export interface Schema extends Keywords {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly enum?: readonly string[]
  readonly const?: string
  readonly anyOf?: readonly Schema[]
}

/** A field that may be absent. */
export interface Optional {
  readonly optional: Schema
}

export function string(keywords?: Keywords): Schema {
  return { type: 'string', ...keywords }
}

export function number(keywords?: Keywords): Schema {
  return { type: 'number', ...keywords }
}

export function integer(keywords?: Keywords): Schema {
  return { type: 'integer', ...keywords }
}

export function boolean(keywords?: Keywords): Schema {
  return { type: 'boolean', ...keywords }
}

export function nothing(): Schema {
  return { type: 'null' }
}

export function anything(keywords: Keywords): Schema {
  return keywords
}

/** This word and no other. */
export function word(value: string): Schema {
  return { type: 'string', const: value }
}

/** One of these words. */
export function words(all: readonly string[], keywords?: Keywords): Schema {
  return { type: 'string', enum: all, ...keywords }
}

export function anyOf(schemas: readonly Schema[], keywords?: Keywords): Schema {
  return { anyOf: schemas, ...keywords }
}

export function array(items: Schema, more: Schema = {}): Schema {
  return { type: 'array', items, ...more }
}

/** Any names, each with such a value. */
export function record(values: Schema, keywords?: Keywords): Schema {
  return { type: 'object', additionalProperties: values, ...keywords }
}

export function optional(schema: Schema): Optional {
  return { optional: schema }
}

/** These fields; others as `additionalProperties` says. */
export function object(fields: Readonly<Record<string, Schema | Optional>>, keywords?: Keywords): Schema {
  const required: string[] = []
  const properties: Record<string, Schema> = {}
  for (const [name, field] of Object.entries(fields)) {
    if (!('optional' in field)) required.push(name)
    properties[name] = 'optional' in field ? field.optional : field
  }
  return { type: 'object', properties, ...(required.length > 0 && { required }), ...keywords }
}
