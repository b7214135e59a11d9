/**
 * What was thrown away, for people: each reason that is counted, in words.
 */
import { count } from './count.js'
import type { DropReason } from './drop-reasons.js'

/** A noun that goes after a count, whatever of it there is, and its plural. */
type Noun = readonly [one: string, many: string]

const words: Readonly<Record<DropReason, Noun>> = {
  'beat-backpressure': ['heartbeat that could not go out at once', 'heartbeats that could not go out at once'],
  'beat-unconnected': [
    'heartbeat for a node that was no longer connected',
    'heartbeats for a node that was no longer connected',
  ],
  'connection-duplicate': [
    'second connection between the same two nodes',
    'second connections between the same two nodes',
  ],
  'connection-surplus': [
    'connection beyond those that one node may have',
    'connections beyond those that one node may have',
  ],
  'gossip-repair': [
    'connection made anew, as no news came over it',
    'connections made anew, as no news came over them',
  ],
  'gossip-fault': ['piece of news dropped on purpose, for a test', 'pieces of news dropped on purpose, for a test'],
  'book-full': ['old address that made room for a new one', 'old addresses that made room for new ones'],
  'reply-failed': ['answer that did not reach the node that asked', 'answers that did not reach the node that asked'],
  'reply-untaken': ['answer that the node that asked did not take', 'answers that the node that asked did not take'],
  'request-deadline': [
    'question to a node that did not answer in time',
    'questions to nodes that did not answer in time',
  ],
  'stream-failed': ['stream to a node that could not be opened', 'streams to a node that could not be opened'],
  'answer to no question': ['answer to a question that nobody waits for', 'answers to questions that nobody waits for'],
  'answer to no such question': [
    'answer to another question than was asked',
    'answers to other questions than were asked',
  ],
  'content too large': [
    'record of a node that holds more than one may',
    'records of nodes that hold more than one may',
  ],
  'request before the start': [
    'question of a node that came before this one was ready',
    'questions of nodes that came before this one was ready',
  ],
  'too many documents': [
    'record of a new node, for which there is no room',
    'records of new nodes, for which there is no room',
  ],
  'unreadable answer': [
    'answer of a node that this version cannot read',
    'answers of nodes that this version cannot read',
  ],
  'unreadable request': [
    'question of a node that this version cannot read',
    'questions of nodes that this version cannot read',
  ],
  'unreadable question': [
    'question for people that this version cannot read',
    'questions for people that this version cannot read',
  ],
  'unreadable definitions': ['definition that this version cannot read', 'definitions that this version cannot read'],
  'unreadable fences': [
    'removal of a node that this version cannot read',
    'removals of nodes that this version cannot read',
  ],
  'unreadable instances': ['instance that this version cannot read', 'instances that this version cannot read'],
  'unreadable node': [
    'description of a node that this version cannot read',
    'descriptions of nodes that this version cannot read',
  ],
  'unreadable removals': [
    'removal of an instance that this version cannot read',
    'removals of instances that this version cannot read',
  ],
  'update is not what its head says': [
    'change that is not what its node has signed',
    'changes that are not what their node has signed',
  ],
  'report by or about nobody known': [
    'report by or about a node not known yet',
    'reports by or about nodes not known yet',
  ],
  'too many gaps': [
    'change that came before those it builds on, and is fetched again',
    'changes that came before those they build on, and are fetched again',
  ],
  'unreadable answer to a question': ['answer that this version cannot read', 'answers that this version cannot read'],
  'connection-foreign': ['connection of a daemon of another cluster', 'connections of daemons of another cluster'],
  'connection-unidentified': [
    'connection of somebody who never said what he speaks',
    'connections of somebody who never said what he speaks',
  ],
  'connection-unread': [
    'connection of a node that did not read what it was sent',
    'connections of nodes that did not read what they were sent',
  ],
  'handshake-crowded': [
    'newcomer that gave way to others, as too many came at once',
    'newcomers that gave way to others, as too many came at once',
  ],
  'handshake-excess': [
    'connection that said more than a handshake has, and did not get through it',
    'connections that said more than a handshake has, and did not get through it',
  ],
  'handshake-failed': [
    'handshake that failed, as with another cluster key',
    'handshakes that failed, as with another cluster key',
  ],
  'handshake-own-key': [
    "connection of another daemon with this node's key",
    "connections of another daemon with this node's key",
  ],
  'handshake-silent': ['connection over which nobody said a word', 'connections over which nobody said a word'],
  'address-malformed': ['address of a node that nobody can dial', 'addresses of nodes that nobody can dial'],
  'beat-excess': ['heartbeat of a node that sends too many', 'heartbeats of a node that sends too many'],
  'frame-malformed': ['message that breaks the rules of its form', 'messages that break the rules of their form'],
  'gossip-excess': ['piece of news of a node that says too much', 'pieces of news of a node that says too much'],
  'gossip-malformed': ['piece of news that nobody can read', 'pieces of news that nobody can read'],
  'gossip-oversize': ['piece of news that is too long', 'pieces of news that are too long'],
  'mdns-excess': ['mDNS packet beyond those that are read', 'mDNS packets beyond those that are read'],
  'muxer-broken': ['connection on which nothing kept to its size', 'connections on which nothing kept to its size'],
  'muxer-pings': ['ping beyond those that are answered', 'pings beyond those that are answered'],
  'muxer-frame': ['connection that made a message of no end', 'connections that made messages of no end'],
  'muxer-unnamed': ['stream that did not say what it is for', 'streams that did not say what they are for'],
  'muxer-untaken': ['stream that said much to nobody', 'streams that said much to nobody'],
  'muxer-unread': ['connection on which nothing was read', 'connections on which nothing was read'],
  'peer-shunned': ['connection of a node that keeps no limit', 'connections of a node that keeps no limit'],
  'request-excess': ['question of a node that asks too much', 'questions of a node that asks too much'],
  'request-refused': [
    'question beyond those that are answered at once',
    'questions beyond those that are answered at once',
  ],
  'bad signature': ['record that is not signed by its node', 'records that are not signed by their node'],
  'content is not what its head says': [
    'record that is not what its node has signed',
    'records that are not what their node has signed',
  ],
  'unreadable gossip': ['piece of news that this version cannot read', 'pieces of news that this version cannot read'],
  'unreadable heartbeat': ['heartbeat that this version cannot read', 'heartbeats that this version cannot read'],
  'too many nodes that nobody hears': [
    'record of a node of which nobody hears a word',
    'records of nodes of which nobody hears a word',
  ],
  'too many documents at once': [
    'record beyond those that are taken at once',
    'records beyond those that are taken at once',
  ],
  'too many questions at once': [
    'question beyond those that are answered at once',
    'questions beyond those that are answered at once',
  ],
  'question not answered': [
    'question of a node that could not be answered here',
    'questions of nodes that could not be answered here',
  ],
  'too many questions': ['question of a node that asks too much', 'questions of a node that asks too much'],
  'too many fences': ['removal of a node beyond those that are kept', 'removals of nodes beyond those that are kept'],
  'gossip-failed': [
    'piece of news of this node that could not be sent',
    'pieces of news of this node that could not be sent',
  ],
  'listener-failed': [
    'message at which this program failed: please report it, with its log',
    'messages at which this program failed: please report it, with its log',
  ],
  'request-queue-full': [
    'question of this node beyond those that may wait',
    'questions of this node beyond those that may wait',
  ],
  'DNS: a connection failed': ['connection of a DNS client that failed', 'connections of DNS clients that failed'],
  'DNS: an answer': ['DNS answer where a question was due', 'DNS answers where questions were due'],
  'DNS: could not be sent': ['DNS answer that could not be sent', 'DNS answers that could not be sent'],
  'DNS: from no port': [
    'DNS question from no port, which nobody can answer',
    'DNS questions from no port, which nobody can answer',
  ],
  'DNS: too long': ['DNS question that is too long', 'DNS questions that are too long'],
  'DNS: too many questions': [
    'DNS question of a client that asks too much',
    'DNS questions of clients that ask too much',
  ],
  'DNS: too short': ['DNS message that is too short for a question', 'DNS messages that are too short for a question'],
}

/** `1 message that breaks the rules of its form`; what a daemon of another version counts goes by its reason. */
export function droppedInWords(reason: string, times: number): string {
  if (Object.hasOwn(words, reason)) return count(times, ...words[reason as DropReason])
  return `${count(times, 'message')} (${reason})`
}
