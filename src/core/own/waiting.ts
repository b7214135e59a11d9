/**
 * Who waits until something of ours is on disk: plain values, so that a daemon's state can be printed.
 */
import type { RegistryError } from '../model/errors.js'
import type { PeerId } from '../model/model.js'
import type { Holding } from '../wire/sync.js'

export type Waiting =
  /** A caller, with what it is told. */
  | { readonly type: 'command'; readonly ticket: number; readonly value?: string }
  /** A caller whose goodbye is good for something only once it is out. */
  | { readonly type: 'goodbye'; readonly ticket: number }
  /** A peer that asked for a removal, and holds this of our document. */
  | { readonly type: 'removal'; readonly request: number; readonly from: PeerId; readonly holding: Holding }
  /** A peer that passed on an act, which comes to that value. */
  | ({ readonly type: 'act'; readonly value?: string } & PeersAct)

/** An act on an instance of ours, as a peer passed it on; it holds this of our document. */
export interface PeersAct {
  readonly request: number
  readonly from: PeerId
  readonly holding: Holding
}

/** Those whose waiting is over; with an error where the disk, or this daemon, refused. */
export interface Released {
  readonly waiting: readonly Waiting[]
  readonly error?: RegistryError
}
