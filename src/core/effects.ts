/**
 * The border of the core: a registry is told `Input`s, to each of which it answers with `Effect`s. Nothing else passes: no
 * clock, no chance, no promise. The daemon and the simulator both stand on the other side.
 */
import type { AckCount } from './model/acks.js'
import type { Act } from './model/act.js'
import type { CheckForm, CheckHeaders } from './model/check.js'
import type { RegistryError } from './model/errors.js'
import type { Definition, InstanceStatus, PeerId, Registration } from './model/model.js'
import type { MemberState } from './views.js'

/** The time of an input, as this machine tells it. */
export interface Moment {
  /** Milliseconds on a clock that never steps. Everything within one run is measured by it. */
  readonly now: number
  /** Unix milliseconds. Used for what outlives a run (the horizon) and for display; never compared between machines. */
  readonly wall: number
}

/** The cryptography that the core is lent; synchronous. The simulator's is cheap. */
export interface Crypto {
  /** 32 bytes. */
  hash(bytes: Uint8Array): Uint8Array
  /** 64 bytes, by this daemon's own key. */
  sign(bytes: Uint8Array): Uint8Array
  /** False for a wrong signature, and for an owner whose id holds no key. Never throws. */
  verify(owner: PeerId, bytes: Uint8Array, signature: Uint8Array): boolean
}

/** `seeking`: somebody whom it was told of is not tried yet. `over`: it is ready, as its callers are told, for good. */
export type BeginningStage = 'seeking' | 'met' | 'over'

export type Input =
  /** The moment that `Registry.wakeAt` asked for has come. */
  | { readonly type: 'wake' }
  /** Of the time since it was last said so much, 0 to 1, went by in which we had something to do and no core to do it on. */
  | { readonly type: 'waited'; readonly share: number }
  /**
   * The network listens; peers can dial these multiaddrs, and callers know this node by that url; absent: by the same as before.
   * Nothing is signed before the first of these.
   */
  | { readonly type: 'listening'; readonly addresses: readonly string[]; readonly url?: string }
  | { readonly type: 'connected'; readonly peer: PeerId }
  | { readonly type: 'disconnected'; readonly peer: PeerId }
  /** How far the start has come; where that is never said it waits for nobody. */
  | { readonly type: 'beginning'; readonly stage: BeginningStage }
  /**
   * A dial was refused, reset or cut in the handshake at every address: reason to report it, unlike a time-out. `isVacant`: at
   * every address where it was met in this run the machine itself says that nobody listens there. A reset, a handshake that was cut,
   * a limit of ours or of theirs say less.
   */
  | { readonly type: 'refused'; readonly peer: PeerId; readonly isVacant: boolean }
  /** We hear nothing of that peer for so long, for a reason of our own: it kept no limit. Its silence means nothing. */
  | { readonly type: 'shunned'; readonly peer: PeerId; readonly for_ms: number }
  /** `author` is the proven author of the message, not the neighbour that passed it on. */
  | { readonly type: 'gossip'; readonly author: PeerId; readonly bytes: Uint8Array }
  /** A frame of a heartbeat stream. */
  | { readonly type: 'beat'; readonly from: PeerId; readonly bytes: Uint8Array }
  /** A peer asks; answered by `reply` effects that carry the same id. */
  | { readonly type: 'request'; readonly from: PeerId; readonly id: number; readonly bytes: Uint8Array }
  /** One message of the answer to our request `id`. */
  | { readonly type: 'response'; readonly id: number; readonly bytes: Uint8Array }
  /** The first `isPaced` piece of the answer `id` that was on its way has gone to the socket; not `ok`: nobody reads it any more. */
  | { readonly type: 'gone'; readonly id: number; readonly ok: boolean }
  /** No more answers to our request `id`: the peer finished (`ok`) or the stream broke, or its deadline passed. */
  | { readonly type: 'closed'; readonly id: number; readonly ok: boolean }
  /** A `store` effect is done. */
  | { readonly type: 'stored'; readonly id: number; readonly error?: string }
  | { readonly type: 'checked'; readonly id: string; readonly n: number; readonly result: CheckResult }
  /** What has become of the connection that a `keep-open` asked for; after all but `changed` there is none. */
  | { readonly type: 'line'; readonly id: string; readonly n: number; readonly news: LineNews }
  /** Fresh figures of this machine; `load` in percent, `vitals` as JSON of at most `wireLimits.vitalsBytes`. */
  | { readonly type: 'vitals'; readonly load: number; readonly vitals: string }
  | { readonly type: 'command'; readonly ticket: number; readonly command: Command }

export interface CheckResult {
  readonly status: InstanceStatus
  /** What went wrong, for people. */
  readonly details?: string
}

/**
 * `closed`: by the other end, or it could not be made; `changed`: the instance said over it that something is different now; `ours`: it
 * was not made, or not kept, for a reason of this machine; `no room`: there are as many as it may have.
 */
export type LineNews = 'closed' | 'changed' | 'ours' | 'no room'

/** What a caller on this machine wants; each is answered by one `settle` effect with the same ticket. */
export type Command =
  /** `embedded`: by the program that this node is a part of, so that it lives with that unless it says otherwise. */
  | {
      readonly type: 'register'
      readonly registration: Registration
      readonly embedded?: true
      readonly holder?: string
    }
  | { readonly type: 'deregister'; readonly id: string }
  /** Done at the home node of that instance, wherever it is asked for; see `acting.ts`. */
  | { readonly type: 'act'; readonly id: string; readonly act: Act }
  | { readonly type: 'save-definition'; readonly definition: Definition }
  | { readonly type: 'remove-definition'; readonly id: string }
  /** Fences the node of that owner; for this daemon itself it raises the generation instead. */
  | { readonly type: 'remove-node'; readonly owner: PeerId }
  /** Settled with the public id. `line` names the connection that it stands on: greater than any before. */
  | {
      readonly type: 'open-session'
      readonly secret: string
      readonly line: number
      readonly grace_ms?: number
      readonly holder?: string
      /** Without, it is opened again or not at all. */
      readonly isNew: boolean
    }
  | { readonly type: 'hear-session'; readonly id: string; readonly secret: string; readonly holder?: string }
  | { readonly type: 'end-session'; readonly id: string; readonly secret: string; readonly holder?: string }
  /** The line that a session stands on has closed. */
  | { readonly type: 'lose-session'; readonly id: string; readonly line: number }
  /**
   * Settled with how many daemons hold what is on disk here now, this one included: once so many do, or the time has passed. `home`:
   * whose document counts beside our own.
   */
  | {
      readonly type: 'acknowledge'
      readonly acks: AckCount
      readonly patience_ms: number
      readonly home?: PeerId
    }
  /** All that is at home here is hidden while it goes on, or is not. Settled with how many that are. */
  | { readonly type: 'drain'; readonly isDraining: boolean }
  /** Says goodbye, for good or for a restart; settled once the goodbye is on disk. */
  | { readonly type: 'leave'; readonly restart?: boolean }

export type Effect =
  /** Best effort to every member. */
  | { readonly type: 'broadcast'; readonly bytes: Uint8Array }
  /** One frame to one peer; may be lost. */
  | { readonly type: 'beat'; readonly to: PeerId; readonly bytes: Uint8Array }
  /** Answered by any number of `response` inputs and one `closed`. */
  | {
      readonly type: 'request'
      readonly id: number
      readonly to: PeerId
      readonly bytes: Uint8Array
      readonly timeout_ms: number
    }
  /**
   * `isPaced`: whether it has gone is told by `gone`, since more is made only then. `afterWrites`: it says what is held, and goes once all
   * that was handed to the store before is written, so that `kill -9` does not take that; empty where it can't be.
   */
  | {
      readonly type: 'reply'
      readonly id: number
      readonly bytes: Uint8Array
      readonly last: boolean
      readonly isPaced?: true
      readonly afterWrites?: true
    }
  /** Try to connect now, whoever's turn it is; a failure comes back as `refused`, or as nothing. */
  | { readonly type: 'dial'; readonly peer: PeerId }
  /** The connection looks alive, but nothing comes over it: cut it and dial again. */
  | { readonly type: 'redial'; readonly peer: PeerId }
  /**
   * The peers to be connected with, and those that need not be: known, and no use for them now. All others are strangers,
   * and dialled until it is known who they are. Replaces what was said before.
   */
  | { readonly type: 'links'; readonly wanted: readonly PeerId[]; readonly spared: readonly PeerId[] }
  /** Neither end has a use for the connection: close it in order, and do not dial. */
  | { readonly type: 'hang-up'; readonly peer: PeerId }
  /** Addresses at which a peer says that it can be dialled. */
  | { readonly type: 'learn'; readonly peer: PeerId; readonly addresses: readonly string[] }
  /** One atomic batch; `sync` ones must survive a power cut before `stored` comes back. */
  | { readonly type: 'store'; readonly id: number; readonly sync: boolean; readonly ops: readonly StoreOp[] }
  /** Note on disk, outside the database, that this daemon was up and its content current at that time. */
  | { readonly type: 'up'; readonly wall: number }
  /** `headers`: the values of those that the check names. */
  | {
      readonly type: 'check'
      readonly id: string
      readonly n: number
      readonly url: string
      readonly check: CheckForm
      readonly headers?: CheckHeaders
    }
  /** Connect to an instance, and stay connected: the end of that comes back as `line`. Replaces an earlier one. */
  | {
      readonly type: 'keep-open'
      readonly id: string
      readonly n: number
      readonly url: string
      readonly check: CheckForm
    }
  | { readonly type: 'let-go'; readonly id: string }
  | { readonly type: 'settle'; readonly ticket: number; readonly result: Settled }
  | { readonly type: 'notify'; readonly event: RegistryEvent }

/** What came of a suspicion: it was looked at, or only what was known before is. */
export type Suspected = 'checked' | 'known'

/** The outcome of a command: `value` holds the id of what was registered, what came of a suspicion (`Suspected`), a number, else nothing. */
export type Settled =
  | { readonly ok: true; readonly value?: string }
  | { readonly ok: false; readonly error: RegistryError }

export type StoreOp =
  /** Replaces all that is held of this owner: its signed head and the full Yjs content that the head describes. */
  | { readonly type: 'snapshot'; readonly owner: PeerId; readonly head: Uint8Array; readonly content: Uint8Array }
  /** Appended to what is held; `version` orders the updates of one owner. An empty `update` carries its head alone. */
  | {
      readonly type: 'update'
      readonly owner: PeerId
      readonly version: number
      readonly head: Uint8Array
      readonly update: Uint8Array
    }
  | { readonly type: 'forget'; readonly owner: PeerId }
  /** A small local fact under a name; the newest value counts. */
  | { readonly type: 'note'; readonly name: string; readonly value: string }
  /** What checks say to prove who asks: outside the database, for its owner's eyes alone; on disk before the rest of the batch. */
  | { readonly type: 'secrets'; readonly text: string }
  /** Raises the generation on disk, outside the database; on disk before the rest of the batch. */
  | { readonly type: 'generation'; readonly generation: number }

/** What is on disk of one owner's document, in the order in which it was written. */
export interface StoredDocument {
  readonly owner: PeerId
  readonly snapshot?: { readonly head: Uint8Array; readonly content: Uint8Array }
  readonly updates: readonly { readonly head: Uint8Array; readonly update: Uint8Array }[]
}

export type InstanceChange = 'shown' | 'changed' | 'hidden'

/** News for people and programs; never needed for correctness. */
export type RegistryEvent =
  | {
      readonly type: 'member'
      readonly peer: PeerId
      readonly from: MemberState
      readonly to: MemberState
      readonly why: string
      /** No word of it has ever come, in this run or an earlier one: it may be made up. */
      readonly isUnmet?: true
    }
  /**
   * `changed`: it was seen before and after, but not as the same. One that moves to another slug is hidden at the old, shown at the new.
   * `owner`: whose it is, or was.
   */
  | {
      readonly type: 'instance'
      readonly id: string
      readonly owner: PeerId
      readonly slug?: string
      readonly change: InstanceChange
    }
  | {
      readonly type: 'instance-status'
      readonly id: string
      readonly owner: PeerId
      readonly slug?: string
      readonly from: InstanceStatus
      readonly to: InstanceStatus
    }
  /** The home of an instance is another one; told at both. */
  | {
      readonly type: 'instance-moved'
      readonly id: string
      readonly slug?: string
      readonly url: string
      readonly from: PeerId
      readonly to: PeerId
    }
  /** Its program is silent, has been for its grace, or has ended it; `instances`: that lived with it. */
  | {
      readonly type: 'session'
      readonly id: string
      readonly change: 'lost' | 'over' | 'ended'
      readonly instances: number
    }
  /** An instance of this node has come to the end that it asked for. */
  | {
      readonly type: 'instance-ended'
      readonly id: string
      readonly slug?: string
      readonly url: string
      readonly why: string
    }
  | { readonly type: 'ready' }
  | { readonly type: 'synced'; readonly peer: PeerId; readonly documents: number }
  | { readonly type: 'generation'; readonly generation: number; readonly why: string }
  | { readonly type: 'refuted'; readonly incarnation: number }
  | { readonly type: 'muted'; readonly why: string }
  /** This daemon has lost sight of most of the cluster, `missable` nodes of which `visible` are left; or, without these, sees it again. */
  | { readonly type: 'doubt'; readonly doubt?: { readonly visible: number; readonly missable: number } }
  | { readonly type: 'warning'; readonly message: string }
