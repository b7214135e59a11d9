/**
 * What the parts of one registry share: who it is, the tables that they read, and the tray for effects.
 * It decides nothing.
 */
import type { Crypto, Effect, StoreOp } from '../effects.js'
import type { PeerId } from '../model.js'
import type { Membership } from '../membership/membership.js'
import type { Replica } from '../replica/replica.js'
import type { Union } from '../replica/union.js'
import type { Journal } from './journal.js'

export interface Desk {
  readonly self: PeerId
  readonly crypto: Crypto
  readonly union: Union
  readonly replica: Replica
  readonly membership: Membership
  readonly journal: Journal
  readonly connected: ReadonlySet<PeerId>
  readonly emit: (effect: Effect) => void
  readonly nextId: () => number
  /** Something from a peer was wrong, or too much: counted by reason, and gone. */
  readonly drop: (reason: string) => void
}

/** Writes copies and notes: not waited for, since they can be had again. */
export function storeSoon(desk: Desk, ops: readonly StoreOp[]): void {
  desk.emit({ type: 'store', id: desk.nextId(), sync: false, ops })
}
