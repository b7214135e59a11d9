/**
 * Documents on their way: what there is of one for whom, how much it is, whether it is a head alone.
 */
import type { StoreOp } from '../effects.js'
import { type Giveable, type NodeDocument, isLarge, stepLimits } from '../document/document.js'
import { type SignedHead, compareHeads } from '../wire/head.js'
import { wireLimits } from '../wire/limits.js'
import type { Holding, Parcel } from '../wire/sync.js'
import { structsSaid } from './budget.js'
import { workLimits } from './work.js'

/** An entry has about so many on its way, where what the content says of itself is not to be trusted. */
const entry_bytes = 400

/** A head whose content its bringer does not hold either, or could not send along: whoever has no room for it knows of it all the same. */
export function headAlone(signed: SignedHead): Parcel {
  return { signed, content: { type: 'step', fromEpoch: 0, fromVersion: 0, bytes: new Uint8Array() } }
}

export function isHeadAlone({ content }: Parcel): boolean {
  return content.type === 'step' && content.fromEpoch === 0 && content.bytes.length === 0
}

/**
 * The work for all entries of a document that a parcel means. A new epoch without a change means it too: its content is built once
 * anybody asks for it, or the next step comes.
 */
export function workOf({ signed, content }: Parcel, held: NodeDocument | undefined): number {
  const heldSize = held?.entries.size ?? 0
  if (content.type === 'full') return workLimits.read * Math.max(1, entriesIn(content.bytes), heldSize)
  return held?.isRebasedBy(signed, content) === true ? workLimits.build * heldSize : 0
}

/** About so many entries are in it, by what it says and by how long it is. */
export function entriesIn(content: Uint8Array): number {
  return Math.max(structsSaid(content), content.length / entry_bytes)
}

/** Whether a full content is too much to be read in one turn. */
export function isLargeContent(bytes: Uint8Array): boolean {
  return isLarge(structsSaid(bytes), bytes.length)
}

/** Whether a step is so long by what it says of itself that nobody takes it: all is pulled instead. */
export function isOverlongStep(bytes: Uint8Array): boolean {
  return structsSaid(bytes) > stepLimits.structs || bytes.length > stepLimits.bytes
}

/** What is written does not hold on to much more than it is. */
export function snapshotOp({ head, bytes }: SignedHead, content: Uint8Array): StoreOp {
  const isMost = 2 * content.length > content.buffer.byteLength
  return { type: 'snapshot', owner: head.owner, head: bytes, content: isMost ? content : content.slice() }
}

/**
 * What one who holds `theirs` lacks of a document: the difference where it can be told, else all of it; undefined for nothing, `later` where
 * it is not at hand yet.
 * @param encode all of it: others may have asked for the same
 */
export function parcelFor(
  document: Giveable,
  theirs: Holding | undefined,
  encode: (document: Giveable) => Uint8Array | undefined,
): Parcel | 'later' | undefined {
  const { signed, holding } = document
  if (theirs !== undefined && compareHeads(holding, theirs) <= 0) return undefined
  const difference = theirs !== undefined && theirs.boot === holding.boot && theirs.epoch === holding.epoch
  if (difference && holding.epoch > 0 && theirs.clock <= holding.clock) {
    const bytes = document.encodeSince(theirs.clock)
    if (bytes !== undefined && !isOverlongStep(bytes))
      return { signed, content: { type: 'step', fromEpoch: theirs.epoch, fromVersion: theirs.version, bytes } }
  }
  const bytes = encode(document)
  if (bytes === undefined) return 'later'
  if (bytes.length > wireLimits.contentBytes) return undefined
  return { signed, content: { type: 'full', bytes } }
}
