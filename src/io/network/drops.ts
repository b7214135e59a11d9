/**
 * Counts what the network threw away, by reason, so that nothing is lost in silence; it never decides what to throw away.
 */
import { Dropped } from '../../core/basics/dropped.js'

export type DropReason =
  | 'beat-excess' // a frame of a peer that sends too many
  | 'beat-backpressure' // a heartbeat found its stream full or still opening
  | 'beat-unconnected' // a heartbeat for a peer without a connection
  | 'connection-duplicate' // a second connection between the same two peers
  | 'connection-foreign' // a connection to a peer that does not speak this cluster's protocols
  | 'connection-surplus' // one peer's oldest, beyond the few that it may have
  | 'connection-unidentified' // a connection whose peer never said what it speaks
  | 'frame-malformed' // a peer broke the framing or a limit of it; its stream was reset
  | 'gossip-excess' // messages of an author, or of whoever passes them on, that says too much
  | 'gossip-failed' // a publication that libp2p refused
  | 'gossip-fault' // dropped on purpose, by the test option
  | 'gossip-oversize' // a peer's message over the limit
  | 'gossip-repair' // a connection cut because its gossip streams were dead
  | 'address-malformed' // an address of a peer that is not one of ours to dial
  | 'book-full' // a peer or an address evicted from the address book
  | 'handshake-crowded' // one that came in gave way to the next: too many come at once
  | 'handshake-failed' // one that came in did not get through the handshake: another cluster key, or none of us
  | 'handshake-own-key' // one that has the key of this very daemon
  | 'handshake-silent' // one that came in said nothing for too long
  | 'listener-failed' // our own callback threw: a bug here
  | 'peer-shunned' // a connection to a peer that keeps no limit
  | 'reply-failed' // an answer that did not reach the asker
  | 'reply-untaken' // an answer of which the asker took nothing until the deadline
  | 'request-deadline' // a request without progress until its deadline
  | 'request-excess' // a question of a peer that asks too much, or has had too much in answers
  | 'request-queue-full' // a request of ours over the bound of the queue
  | 'request-refused' // a peer's request over the bound of what is served at once
  | 'stream-failed' // a stream that could not be opened

export type Drops = Dropped<DropReason>
export const Drops = Dropped<DropReason>
