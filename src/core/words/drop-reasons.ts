/**
 * Why something that came was thrown away: each reason that is counted, as metrics know it, as `/v1/self` tells it. What people read of it
 * stands in `dropped-words.ts`.
 */

/** By the registry. */
export type CoreDropReason =
  | 'answer to no question' // or one that was given up
  | 'answer to no such question' // one of another kind was asked
  | 'bad signature' // a head that its owner has not signed
  | 'content is not what its head says' // a whole document
  | 'content too large' // a document over what one may hold
  | 'report by or about nobody known'
  | 'request before the start' // of a peer, while we may not speak for ourselves yet
  | 'too many documents' // a new owner, where there is no room for one more
  | 'too many documents at once' // more than wait to be read
  | 'too many fences' // removals of nodes over what is kept of them
  | 'too many gaps' // steps that wait for those before them
  | 'too many nodes that nobody hears' // documents that gave way
  | 'too many questions at once' // more than are answered
  | 'unreadable answer'
  | 'unreadable gossip'
  | 'unreadable heartbeat'
  | 'unreadable request'
  // Entries of a document that is genuine: a later version wrote them.
  | 'unreadable definitions'
  | 'unreadable fences'
  | 'unreadable instances'
  | 'unreadable node'
  | 'unreadable removals'
  | 'update is not what its head says' // a step from one version to the next

/** By the daemon, of questions that are for people. */
export type QuestionDropReason =
  | 'too many questions' // of one peer
  | 'question not answered' // which is a bug
  | 'unreadable answer to a question'
  | 'unreadable question'

/** By the network. */
export type NetworkDropReason =
  | 'beat-excess' // a frame of a peer that sends too many
  | 'beat-backpressure' // a heartbeat found its stream full or still opening
  | 'beat-unconnected' // a heartbeat for a peer without a connection
  | 'connection-duplicate' // a second connection between the same two peers
  | 'connection-foreign' // a connection to a peer that does not speak this cluster's protocols
  | 'connection-surplus' // one peer's oldest, beyond the few that it may have
  | 'connection-unidentified' // a connection whose peer never said what it speaks
  | 'connection-unread' // one whose peer does not read, cut where too much waits for all who do not
  | 'frame-malformed' // a peer broke the framing or a limit of it; its stream was reset
  | 'gossip-excess' // messages of an author, or of whoever passes them on, that says too much
  | 'gossip-failed' // a publication that libp2p refused
  | 'gossip-fault' // dropped on purpose, by the test option
  | 'gossip-malformed' // what a peer sent at once cannot be read, or names more than any member would
  | 'gossip-oversize' // a peer's message over the limit
  | 'gossip-repair' // a connection cut because its gossip streams were dead
  | 'address-malformed' // an address of a peer that is not one of ours to dial
  | 'book-full' // a peer or an address evicted from the address book
  | 'handshake-crowded' // one that came in gave way to the next: too many come at once
  | 'handshake-excess' // one that came in, or was dialled, said more than a handshake has, and did not get through it
  | 'handshake-failed' // one that came in did not get through the handshake: another cluster key, or none of us
  | 'handshake-own-key' // one that has the key of this very daemon
  | 'handshake-silent' // one that came in said nothing for too long
  | 'mdns-excess' // a packet of multicast, of an address that sends too many, or of all
  | 'muxer-broken' // a connection on which stream after stream brought too much
  | 'muxer-frame' // a connection on which more came of one frame than any may have
  | 'muxer-pings' // a ping of the muxer, beyond those that are answered
  | 'muxer-unnamed' // a stream that brought too much, or waited too long, before it said what it is for
  | 'muxer-untaken' // a stream that brought too much that nobody reads
  | 'muxer-unread' // a connection on which what is said of streams was not read
  | 'listener-failed' // our own callback threw: a bug here
  | 'peer-shunned' // a connection to a peer that keeps no limit
  | 'reply-failed' // an answer that did not reach the asker
  | 'reply-untaken' // an answer of which the asker took nothing until the deadline
  | 'request-deadline' // a request without progress until its deadline
  | 'request-excess' // a question of a peer that asks too much, or has had too much in answers
  | 'request-queue-full' // a request of ours over the bound of the queue
  | 'request-refused' // a peer's request over the bound of what is served at once
  | 'stream-failed' // a stream that could not be opened

/** By whoever answers DNS. */
export type DnsDropReason =
  | 'a connection failed'
  | 'an answer' // instead of a question
  | 'could not be sent' // an answer of ours
  | 'from no port'
  | 'too long'
  | 'too many questions' // from one address
  | 'too short'

export type DropReason = CoreDropReason | QuestionDropReason | NetworkDropReason | `DNS: ${DnsDropReason}`
