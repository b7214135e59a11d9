/**
 * Counts what the network threw away, by reason, so that nothing is lost in silence; it never decides what to throw away.
 */
import { Dropped } from '../../core/basics/dropped.js'
import type { NetworkDropReason } from '../../core/words/drop-reasons.js'

export type DropReason = NetworkDropReason
export type Drops = Dropped<DropReason>
export const Drops = Dropped<DropReason>
