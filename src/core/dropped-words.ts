/**
 * What was thrown away, for people: each reason that is counted, in words.
 */

const words: Readonly<Record<string, string>> = {
  'beat-backpressure': 'heartbeats that could not go out at once',
  'beat-unconnected': 'heartbeats for a node that was no longer connected',
  'connection-duplicate': 'second connections between the same two nodes',
  'connection-surplus': 'connections beyond those that one node may have',
  'gossip-repair': 'connections made anew, as no news came over them',
  'gossip-fault': 'news dropped on purpose, for a test',
  'book-full': 'old addresses that made room for new ones',
  'reply-failed': 'answers that did not reach the node that asked',
  'reply-untaken': 'answers that the node that asked did not take',
  'request-deadline': 'questions to nodes that did not answer in time',
  'stream-failed': 'streams to a node that could not be opened',
  'report by or about nobody known': 'reports by or about nodes not known yet',
  'too many gaps': 'changes that came before those they build on, and are fetched again',
  'unreadable answer to a question': 'answers that this version cannot read',
  'connection-foreign': 'connections of daemons of another cluster',
  'connection-unidentified': 'connections of somebody who never said what he speaks',
  'handshake-crowded': 'newcomers that gave way to others, as too many came at once',
  'handshake-failed': 'handshakes that failed, as with another cluster key',
  'handshake-own-key': "connections of another daemon with this node's key",
  'handshake-silent': 'connections over which nobody said a word',
  'address-malformed': 'addresses of nodes that nobody can dial',
  'beat-excess': 'heartbeats of a node that sends too many',
  'frame-malformed': 'messages that break the rules of their form',
  'gossip-excess': 'news of a node that says too much',
  'gossip-oversize': 'news that are too long',
  'peer-shunned': 'connections of a node that keeps no limit',
  'request-excess': 'questions of a node that asks too much',
  'request-refused': 'questions beyond those that are answered at once',
  'bad signature': 'records that are not signed by their node',
  'content is not what its head says': 'records that are not what their node has signed',
  'unreadable gossip': 'news that this version cannot read',
  'unreadable heartbeat': 'heartbeats that this version cannot read',
  'too many nodes that nobody hears': 'records of nodes of which nobody hears a word',
  'too many documents at once': 'records beyond those that are taken at once',
  'too many questions at once': 'questions beyond those that are answered at once',
  'too many questions': 'questions of a node that asks too much',
  'too many fences': 'removals of nodes beyond those that are kept',
  'gossip-failed': 'news of this node that could not be sent',
  'listener-failed': 'messages at which this program failed: please report it, with its log',
  'request-queue-full': 'questions of this node beyond those that may wait',
}

/** What has no words of its own stands for itself. */
export function droppedInWords(reason: string): string {
  const known = words[reason]
  if (known !== undefined) return known
  if (reason.startsWith('DNS: ')) return `questions by DNS (${reason.slice(5)})`
  return reason.startsWith('unreadable ') ? `records that this version cannot read (${reason.slice(11)})` : reason
}
