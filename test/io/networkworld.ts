/** Networks on 127.0.0.1 for tests, each with a record of everything that it told its listener. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { pino } from 'pino'
import { afterEach } from 'vitest'
import { createNetwork } from '../../src/io/network/network.js'
import type { Network, NetworkListener, NetworkOptions } from '../../src/io/network/network.js'
import { eventually } from './eventually.js'

export type Reply = Parameters<NetworkListener['request']>[2]

export interface Site {
  readonly network: Network
  readonly id: string
  readonly key: PrivateKey
  /** `connected ID`, `disconnected ID`, `refused ID`, in order. */
  readonly trace: string[]
  readonly gossip: { author: string; text: string }[]
  readonly beats: { from: string; text: string }[]
  readonly book: { json: string | undefined }
  readonly logs: string[]
  isConnectedTo(other: Site): boolean
  /** What the next requests are answered with. */
  answer: (from: string, bytes: Uint8Array, reply: Reply) => void
}

const running = new Set<Network>()

afterEach(async () => {
  await Promise.all([...running].map((network) => network.stop()))
  running.clear()
})

export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
export const bytes = (value: string) => new TextEncoder().encode(value)

export async function createSite(options: Partial<NetworkOptions> & { json?: string } = {}): Promise<Site> {
  const key = options.key ?? (await generateKeyPair('Ed25519'))
  const book: Site['book'] = { json: options.json }
  const logs: string[] = []
  const trace: string[] = []
  const gossip: Site['gossip'] = []
  const beats: Site['beats'] = []
  const answering: { answer: Site['answer'] } = { answer: (_from, question, reply) => reply(question, true) }
  const network = createNetwork(
    {
      key,
      cluster: 'test',
      listen: ['/ip4/127.0.0.1/tcp/0'],
      listenFallback: false,
      announce: [],
      join: [],
      mdns: false,
      addressBook: {
        load: () => Promise.resolve(book.json),
        save: (json) => {
          book.json = json
          return Promise.resolve()
        },
      },
      log: pino({ level: process.env['LOG_LEVEL'] ?? 'info' }, { write: (line: string) => void logs.push(line) }),
      ...options,
    },
    {
      connected: (peer) => trace.push(`connected ${peer}`),
      disconnected: (peer) => trace.push(`disconnected ${peer}`),
      refused: (peer) => trace.push(`refused ${peer}`),
      shunned: (peer) => trace.push(`shunned ${peer}`),
      gossip: (author, message) => gossip.push({ author, text: text(message) }),
      beat: (from, message) => beats.push({ from, text: text(message) }),
      request: (from, question, reply) => answering.answer(from, question, reply),
    },
  )
  running.add(network)
  const isConnectedTo = (other: Site) => network.peers().some(({ peer, connected }) => connected && peer === other.id)
  return Object.assign(answering, { network, id: network.peerId, key, trace, gossip, beats, book, logs, isConnectedTo })
}

export async function startSite(options: Partial<NetworkOptions> & { json?: string } = {}): Promise<Site> {
  const site = await createSite(options)
  await site.network.start()
  return site
}

/** Sites that all know the first one as a seed. */
export async function startSites(count: number, options: Partial<NetworkOptions> = {}): Promise<Site[]> {
  const first = await startSite(options)
  const rest = await Promise.all(
    Array.from({ length: count - 1 }, () => startSite({ ...options, join: first.network.addresses() })),
  )
  for (const site of rest) await connected(first, site)
  return [first, ...rest]
}

export async function connected(one: Site, other: Site): Promise<void> {
  await eventually(`${one.id} is connected to ${other.id}`, () => one.isConnectedTo(other) && other.isConnectedTo(one))
}

/** Until gossip flows both ways: subscriptions take a moment after the connection. */
export async function gossiping(one: Site, other: Site): Promise<void> {
  const isHealthy = (from: Site, to: Site) =>
    from.network.peers().some(({ peer, streamsHealthy }) => peer === to.id && streamsHealthy)
  await eventually('gossip streams are up', () => isHealthy(one, other) && isHealthy(other, one))
}

let marks = 0

/** Until a message that is sent now arrives; a single one may be lost while streams are being opened. */
export async function flows(from: Site, to: Site): Promise<void> {
  const mark = `mark ${(marks += 1)} `
  let sent = 0
  await eventually('gossip flows', () => {
    from.network.broadcast(bytes(`${mark}${(sent += 1)}`))
    return to.gossip.some(({ author, text: content }) => author === from.id && content.startsWith(mark))
  })
}

export interface Answer {
  readonly responses: Uint8Array[]
  /** Every call of `onClosed`. */
  readonly closed: boolean[]
}

export function ask(from: Site, to: { id: string }, question: Uint8Array, timeout_ms = 20_000): Answer {
  const answer: Answer = { responses: [], closed: [] }
  from.network.request(to.id, question, {
    timeout_ms,
    onResponse: (response) => answer.responses.push(response),
    onClosed: (ok) => answer.closed.push(ok),
  })
  return answer
}

export async function answered(answer: Answer): Promise<boolean> {
  await eventually('the request is closed', () => answer.closed.length > 0, 60_000)
  return answer.closed[0] === true
}
