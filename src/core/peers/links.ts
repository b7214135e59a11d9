/**
 * When a connection is given up: once neither end has a use for it. Its end means nothing then; only a dial that is refused does.
 */
import type { Peer } from './peers.js'

/** A connection without use is kept for so long: views may still be changing. */
const linger_ms = 10_000
/** The greater peer id leaves the closing to the other end for so much longer. */
const otherCloses_ms = 5000

/**
 * @param isNeeded whether we have a use for it
 * @param closesFirst whether ours is the lesser peer id
 * @returns whether it is to be closed now
 */
export function isOver(peer: Peer, isNeeded: boolean, closesFirst: boolean, now: number): boolean {
  if (peer.isHungUp) return false
  peer.unneededSince = isNeeded ? undefined : (peer.unneededSince ?? now)
  if (peer.isNeeded || peer.unneededSince === undefined) return false
  const patience_ms = closesFirst ? linger_ms : linger_ms + otherCloses_ms
  return now - peer.unneededSince >= patience_ms
}
