/**
 * What is known of acts on the register, in the shape in which it is told: what several nodes remember, joined.
 */
import type { PeerId } from '../model/model.js'
import type { Entry } from './entry.js'

/** `old`: its version remembers nothing; `not-asked`: it lives, and is connected with others. */
export const historyOutcomes = ['self', 'answered', 'silent', 'busy', 'old', 'unreachable', 'not-asked'] as const
export type HistoryOutcome = (typeof historyOutcomes)[number]

export interface HistoryEntry extends Omit<Entry, 'elsewhere' | 'at'> {
  /** RFC 3339, by the clock of the node that was asked: as long ago as it was by that of the node that remembers it. */
  readonly at: string
  /** The label of the node where it happened, or that it is about. */
  readonly node: string
  /** The node that remembers it; with `seq` that names the entry. */
  readonly peer: PeerId
}

export interface HistoryNode {
  readonly node: string
  readonly peer: PeerId
  readonly how: HistoryOutcome
  /** RFC 3339, by the clock of the one that was asked: since when it knows. */
  readonly from?: string
}

/** What was done, by whom, as far as those that could be asked remember. None remembers what was before its start. */
export interface History {
  /** RFC 3339. */
  readonly at: string
  /** The label of the node that was asked. */
  readonly by: string
  /** RFC 3339: since when that one knows. */
  readonly from: string
  /** Newest first. */
  readonly entries: readonly HistoryEntry[]
  /** Who was asked, the one that was asked first; of an id all that are known, else that one alone. */
  readonly nodes: readonly HistoryNode[]
  /** The labels of those that could not be asked, or did not answer. */
  readonly notAsked: readonly string[]
}

/** What is wanted of it. */
export interface HistoryQuery {
  /** Of an instance, definition or session, or the label of a node: then the other nodes are asked as well. */
  readonly id?: string | undefined
  readonly slug?: string | undefined
  readonly act?: string | undefined
  /** The name of a token, or `library`. */
  readonly by?: string | undefined
  /** RFC 3339: nothing before. */
  readonly since?: string | undefined
  /** Up to 1000; default: 20. */
  readonly limit?: number | undefined
}
