/**
 * Tells a peer id from other text; it never asks whether such a peer exists.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerId } from '../../core/model/model.js'

/** Whether the text is the id of a daemon: an Ed25519 key in libp2p's usual spelling. */
export function isPeerId(text: string): text is PeerId {
  if (text.length > 64) return false
  try {
    const peer = peerIdFromString(text)
    return peer.type === 'Ed25519' && peer.toString() === text
  } catch {
    return false
  }
}
