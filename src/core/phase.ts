/**
 * The life of a daemon as one tagged union; what it may do follows from the phase that it is in.
 *
 *     restoring ──▶ starting ──▶ joining ──▶ opening ──▶ ready ──▶ muted
 *                      │          ▲            ▲  └─────────────────▶ │
 *                      └─▶ stale ─│────────────┘                      │
 *                                 └───────────────────────────────────┘
 *
 *     restoring  it takes up what is on disk
 *     starting   its generation is on the way to disk: nothing is said to anybody
 *     joining    it asks its peers for the newest head of its own
 *     stale      the same, after it was off for so long that what it holds is neither given nor completed
 *     opening    its first head is on the way to disk
 *     ready      callers write
 *     muted      another daemon runs with its key: this one signs nothing until nobody hears of that one any more
 */
import type { Unready } from './words/causes.js'
import type { Joining } from './own/joining.js'

export type Phase =
  | { readonly name: 'restoring' }
  | { readonly name: 'starting'; readonly joining: Joining }
  | { readonly name: 'joining'; readonly joining: Joining }
  | { readonly name: 'stale'; readonly joining: Joining }
  | { readonly name: 'opening' }
  | { readonly name: 'ready' }
  | {
      readonly name: 'muted'
      readonly why: string
      /** Where that daemon can be dialled, if it is known. */
      readonly otherAt?: string
    }

export type PhaseName = Phase['name']

/** The arrows of the drawing: a daemon goes no other way. */
const following: Readonly<Record<PhaseName, readonly PhaseName[]>> = {
  restoring: ['starting'],
  starting: ['joining', 'stale'],
  joining: ['opening'],
  stale: ['opening'],
  opening: ['ready', 'muted'],
  ready: ['muted'],
  muted: ['joining'],
}

/** Whether one may come right after the other. */
export function mayFollow({ name }: Phase, next: Phase): boolean {
  return following[name].includes(next.name)
}

export interface Rules {
  /** Asks peers, and answers them. */
  readonly maySpeak: boolean
  /** It knows what it continues: compares registers, closes connections without use, counts that it is up. */
  readonly isJoined: boolean
  /** Signs heads, and so writes. */
  readonly maySign: boolean
  /** Accuses others of silence. */
  readonly mayReport: boolean
}

const rules: Readonly<Record<PhaseName, Rules>> = {
  restoring: { maySpeak: false, isJoined: false, maySign: false, mayReport: false },
  starting: { maySpeak: false, isJoined: false, maySign: false, mayReport: false },
  joining: { maySpeak: true, isJoined: false, maySign: false, mayReport: false },
  stale: { maySpeak: true, isJoined: false, maySign: false, mayReport: false },
  opening: { maySpeak: true, isJoined: true, maySign: true, mayReport: false },
  ready: { maySpeak: true, isJoined: true, maySign: true, mayReport: true },
  muted: { maySpeak: true, isJoined: true, maySign: false, mayReport: true },
}

export function rulesOf({ name }: Phase): Rules {
  return rules[name]
}

/** Present until the first head is signed. */
export function joiningOf(phase: Phase): Joining | undefined {
  return 'joining' in phase ? phase.joining : undefined
}

/** Whether what is held must be neither given nor completed. */
export function isStale(phase: Phase): boolean {
  return joiningOf(phase)?.isStale ?? false
}

/** The same, with the phase as the word for it. */
export function unreadyIn(phase: Phase): Unready | undefined {
  const why = whyNotReady(phase)
  return why === undefined || phase.name === 'ready' ? undefined : { cause: phase.name, why }
}

/** Why callers cannot write, in words; undefined where they can. */
export function whyNotReady(phase: Phase): string | undefined {
  switch (phase.name) {
    case 'restoring':
      return 'starting: reading what is on disk'
    case 'starting':
    case 'joining':
    case 'stale':
      return phase.joining.reason
    case 'opening':
      return 'the first version of this node’s own records is not on disk yet'
    case 'ready':
      return undefined
    case 'muted':
      return phase.why
  }
}
