/**
 * What a node tells its listeners: the names, the shapes.
 */
import { unknownName } from '../config/nearest.js'
import { RegistryError } from '../core/model/errors.js'
import type { NewsEvent } from '../core/views.js'

/** What a node tells its listeners. */
export interface NodeEvents {
  /** Another node came, went, or is believed to be in another state. */
  readonly member: Extract<NewsEvent, { type: 'member' }>
  /** An instance is to be seen, is to be seen no more, or looks different. One that moves to another slug is hidden and shown. */
  readonly instance: Extract<NewsEvent, { type: 'instance' }>
  /** Writes are accepted from now on, and what is read is what the others hold, as far as it was to be had: see `ready()`. */
  readonly ready: { readonly type: 'ready' }
  /** Something that a person should know of: a damaged disk, a copied key, a disk that refuses writes. */
  readonly warning: { readonly type: 'warning'; readonly message: string }
  /** The node has ended. With `error` by itself, over a bug in Rollcall. */
  readonly stopped: { readonly type: 'stopped'; readonly error?: Error }
}

/** All that there are: the compiler knows them, a program in JavaScript may not. */
const eventNames: { readonly [Type in keyof NodeEvents]: true } = {
  ...{ member: true, instance: true, ready: true, warning: true, stopped: true },
}

/** @throws RegistryError `malformed`, naming the event that there is not, or that has no function to be told to */
export function checkListener(type: string, listener: unknown): void {
  if (!Object.hasOwn(eventNames, type))
    throw new RegistryError('malformed', unknownName(String(type), Object.keys(eventNames), 'event'))
  if (typeof listener !== 'function') throw new RegistryError('malformed', `${type}: the listener must be a function`)
}
