/**
 * Turns views into the objects of the Registry Svc contract, by the schemas that document them: published clients refuse any
 * other field. Usage and GPU figures come from other machines, so what has the wrong type is left out. Decides nothing about
 * visibility.
 */
import type { InstanceView, NodeView } from '../core/views.js'
import type { Schema } from './json-schema.js'
import * as schemas from './schemas.js'

type Fields = readonly (keyof InstanceView)[]

const publishedFields = Object.keys(schemas.Instance.properties ?? {}) as Fields
const ownFields = Object.keys(schemas.OwnInstance.properties ?? {}) as Fields

/** As published clients know it. Our own values, so none is looked at: this is what a registry is asked for most. */
export function showInstance(view: InstanceView): InstanceView {
  return only(publishedFields, view)
}

/** With all that it says of itself. */
export function showOwnInstance(view: InstanceView): InstanceView {
  return only(ownFields, view)
}

function only(fields: Fields, view: InstanceView): InstanceView {
  const shown: Record<string, unknown> = {}
  for (const field of fields) {
    if (view[field] !== undefined) shown[field] = view[field]
  }
  return shown as unknown as InstanceView
}

export function showNode(view: NodeView): NodeView {
  const { usage = {}, gpus = [], ...shown } = fitting(view, schemas.Node) as NodeView
  return {
    ...shown,
    ...(Object.keys(usage).length > 0 && { usage }),
    ...(gpus.length > 0 && { gpus }),
  }
}

/**
 * What of a value is as its schema says; undefined where nothing is.
 * Integers are rounded rather than lost: a client of ours that wants whole bytes does not care for the fraction.
 */
function fitting(value: unknown, { type, items, properties = {} }: Schema): unknown {
  if (type === 'string') return typeof value === 'string' ? value : undefined
  if (type === 'number') return Number.isFinite(value) ? value : undefined
  if (type === 'integer') return Number.isFinite(value) ? Math.round(value as number) : undefined
  if (type === 'array' && items !== undefined) return Array.isArray(value) ? fittingOf(value, items) : undefined
  if (type !== 'object' || typeof value !== 'object' || value === null) return undefined
  const fields = Object.entries(properties).map(
    ([name, field]) => [name, fitting((value as Readonly<Record<string, unknown>>)[name], field)] as const,
  )
  return Object.fromEntries(fields.filter(([, kept]) => kept !== undefined))
}

function fittingOf(values: readonly unknown[], schema: Schema): readonly unknown[] {
  return values.map((value) => fitting(value, schema)).filter((kept) => kept !== undefined)
}
