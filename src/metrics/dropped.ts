/**
 * What a node threw away, by where it came in: its counts have names for people, which become labels here.
 */
import type { Sample } from './samples.js'

/** Connections that never became those of peers. */
const handshakes: ReadonlySet<string> = new Set([
  'connection-foreign',
  'connection-unidentified',
  'handshake-crowded',
  'handshake-excess',
  'handshake-failed',
  'handshake-own-key',
  'handshake-silent',
])

/** By a word in the name of what was dropped, first that fits. */
const planes: readonly (readonly [plane: string, words: RegExp])[] = [
  ['dns', /^DNS: /],
  ['gossip', /gossip|report/],
  ['heartbeat', /beat/],
  ['sync', /request|reply|question|document|content/],
  ['connection', /connection|handshake|peer|address|book|stream|frame|muxer|listener/],
]

/** What is none of these was in a record. */
const elsewhere = 'record'

export function droppedMessages(dropped: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(dropped)
    .filter(([name]) => !handshakes.has(name))
    .map(([name, value]) => {
      const plane = planes.find(([, words]) => words.test(name))?.[0] ?? elsewhere
      return { labels: { plane, reason: name.replace(/^DNS: /, '').replace(/\W+/g, '-') }, value }
    })
}

/** Each reason from the start on, since an alert goes by how fast one grows. */
export function failedHandshakes(dropped: Readonly<Record<string, number>>): Sample[] {
  return [...handshakes].map((name) => {
    return { labels: { reason: name.replace(/^(handshake|connection)-/, '') }, value: dropped[name] ?? 0 }
  })
}
