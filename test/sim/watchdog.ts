// How long each kind of message of a peer keeps the loop, at its limits: the core alone, with real hashes, turn by turn.
import { OwnDocument } from '../../src/core/document/document.js'
import type { Entry } from '../../src/core/document/entries.js'
import type { Input } from '../../src/core/effects.js'
import { fences } from '../../src/core/records/fences.js'
import { Registry } from '../../src/core/registry.js'
import { type BeatFrame, encodeBeat } from '../../src/core/wire/beat.js'
import { type GossipMessage, encodeGossip } from '../../src/core/wire/gossip.js'
import { type SignedHead, signHead } from '../../src/core/wire/head.js'
import { wireLimits } from '../../src/core/wire/limits.js'
import {
  type Holding,
  type Parcel,
  type SyncRequest,
  type SyncResponse,
  encodeSyncRequest,
  encodeSyncResponse,
} from '../../src/core/wire/sync.js'
import { Disk } from '../../src/testing/disk.js'
import { unguardedCrypto } from '../../src/testing/crypto.js'
import { beat } from '../core/beats.js'

const peer = 'peer'

export interface Kept {
  /** The longest turn. */
  readonly longest_ms: number
  readonly all_ms: number
  readonly turns: number
}

/** One registry that is ready, in time that stands still while a message is handled. */
class Loop {
  readonly #registry: Registry
  readonly #disk = new Disk()
  readonly #turns_ms: number[] = []
  #now = 1000
  #lastRequest = 1_000_000
  /** The question that it asked last. */
  #asked = 0

  constructor() {
    const start = {
      ...{ self: 'a', boot: '1'.repeat(16), crypto: unguardedCrypto('a'), node: { id: 'a', url: 'http://a.test' } },
      freshKey: true,
    }
    this.#registry = new Registry({ ...start, ...this.#disk.load() }, this.#moment)
    this.#perform(this.#registry.begin())
    this.#handle({ type: 'listening', addresses: ['/dns4/a/tcp/1'] })
    while (!this.#registry.readiness().ready) this.pass(100)
    this.#handle({ type: 'connected', peer })
    this.#handle({ type: 'beat', from: peer, bytes: encodeBeat(beat(1, 5)) })
  }

  get #moment(): { now: number; wall: number } {
    return { now: this.#now, wall: 1_800_000_000_000 + this.#now }
  }

  /** Lets time pass. */
  pass(for_ms: number): void {
    const until = this.#now + for_ms
    while (this.#registry.wakeAt <= until) {
      this.#now = Math.max(this.#now, this.#registry.wakeAt)
      this.#handle({ type: 'wake' })
    }
    this.#now = until
  }

  /** What all that is done while so much time passes costs, whatever comes. */
  lapse(for_ms: number): Kept {
    this.#turns_ms.length = 0
    this.pass(for_ms)
    return this.#kept()
  }

  request(bytes: Uint8Array): Kept {
    return this.measure({ type: 'request', from: peer, id: (this.#lastRequest += 1), bytes })
  }

  /** An answer to its own question, and the end of it. */
  answer(response: SyncResponse): Kept {
    this.measure({ type: 'response', id: this.#asked, bytes: encodeSyncResponse(response) })
    return this.#measureMore({ type: 'closed', id: this.#asked, ok: true })
  }

  push(...parcels: readonly Parcel[]): Kept {
    return this.request(encodeSyncRequest({ type: 'push', parcels }))
  }

  /** What a message costs, until nothing of it waits. */
  measure(input: Input): Kept {
    this.#turns_ms.length = 0
    return this.#measureMore(input)
  }

  #measureMore(input: Input): Kept {
    this.#handle(input)
    while (this.#registry.wakeAt <= this.#now) this.#handle({ type: 'wake' })
    return this.#kept()
  }

  #kept(): Kept {
    const all_ms = this.#turns_ms.reduce((sum, turn_ms) => sum + turn_ms, 0)
    return { longest_ms: Math.max(...this.#turns_ms), all_ms, turns: this.#turns_ms.length }
  }

  #handle(input: Input): void {
    const before = process.cpuUsage()
    const effects = this.#registry.handle(input, this.#moment)
    const { user, system } = process.cpuUsage(before)
    this.#turns_ms.push((user + system) / 1000)
    this.#perform(effects)
  }

  #perform(effects: ReturnType<Registry['handle']>): void {
    for (const effect of effects) {
      if (effect.type === 'request') this.#asked = effect.id
      if (effect.type !== 'store') continue
      this.#disk.write(effect.ops)
      this.#handle({ type: 'stored', id: effect.id })
    }
  }
}

/** A document of so many instances, and the steps that lead on from there. */
class Written {
  readonly document: OwnDocument
  version = 1
  readonly #owner: string
  readonly #boot: string

  constructor(count: number, owner = peer, boot = '0'.repeat(16)) {
    this.#owner = owner
    this.#boot = boot
    const value = '{"n":1,"slug":"s","status":"Healthy","url":"http://i.test"}'
    const entries = Array.from({ length: count }, (_, i): Entry => ({ map: 'instances', key: `${owner}${i}`, value }))
    this.document = new OwnDocument(unguardedCrypto(owner).hash, { entries, epoch: 1, client: 7 })
  }

  get signed(): SignedHead {
    const { epoch, client, entries } = this.document
    const owner = this.#owner
    const head = { owner, generation: 5, boot: this.#boot, epoch, version: this.version, incarnation: 0, client }
    return signHead({ ...head, digest: entries.digest() }, unguardedCrypto(owner))
  }

  get full(): Parcel {
    return { signed: this.signed, content: { type: 'full', bytes: this.document.encode() } }
  }

  step(after: string, isRebase: boolean): Parcel & { readonly content: { readonly type: 'step' } } {
    const [fromEpoch, fromVersion] = [this.document.epoch, this.version]
    this.version += 1
    if (isRebase) this.document.rebase(8)
    const bytes = this.document.write([{ map: 'definitions', key: 'k', after }])
    return { signed: this.signed, content: { type: 'step', fromEpoch, fromVersion, bytes } }
  }

  /** A step that ends the document of somebody else. */
  ending(fenced: SignedHead): ReturnType<Written['step']> {
    const fromVersion = this.version
    this.version += 1
    const bytes = this.document.write([
      { map: 'fences', key: fenced.head.owner, after: fences.write({ fenced, at: 1 }) },
    ])
    return { signed: this.signed, content: { type: 'step', fromEpoch: this.document.epoch, fromVersion, bytes } }
  }
}

function gossiped({ signed, content }: ReturnType<Written['step']>): Input {
  return { type: 'gossip', author: peer, bytes: encodeGossip({ type: 'update', signed, step: content }) }
}

function beatOf(bytes: Uint8Array): Kept {
  return new Loop().measure({ type: 'beat', from: peer, bytes })
}

function gossipOf(message: GossipMessage): Kept {
  return new Loop().measure({ type: 'gossip', author: peer, bytes: encodeGossip(message) })
}

/** A loop that holds a document of so many entries already. */
function holding(count: number): { loop: Loop; written: Written } {
  const loop = new Loop()
  const written = new Written(count)
  loop.push(written.full)
  return { loop, written }
}

/** A loop that holds documents of as many owners as there may be, of whom nobody has heard a word. */
function full(): Loop {
  const loop = new Loop()
  for (let i = 0; i < many.length; i += 64) {
    loop.push(...many.slice(i, i + 64).map((owner) => new Written(1, owner).full))
    loop.pass(2000)
  }
  return loop
}

const many = Array.from({ length: wireLimits.documents }, (_, i) => `owner${i}`)
const digest = new Uint8Array(8)

const nothing: Holding = { owner: '', generation: 0, version: 0, boot: '0'.repeat(16), epoch: 0, clock: 0 }
const manyHoldings = many.map((owner) => ({ ...nothing, owner, generation: 1, version: 1, epoch: 1, clock: 1 }))
const about = many.slice(0, wireLimits.reportsAtOnce).map((subject) => ({ subject, generation: 1, incarnation: 0 }))
const report = { type: 'report', authorGeneration: 5, sequence: 1, about } as const

/** What a peer may send. */
type Kind =
  | `beat ${BeatFrame['type']}`
  | `gossip ${GossipMessage['type']}`
  | `request ${SyncRequest['type']}`
  | `response ${SyncResponse['type']}`

type Cases = Readonly<Record<string, () => Kept>>

/** What each kind of message costs, at its limits. */
export const messages: Readonly<Record<Kind, Cases>> = {
  'beat heartbeat': {
    'a heartbeat with 256 of others': () =>
      beatOf(
        encodeBeat(
          beat(
            2,
            5,
            Array.from({ length: wireLimits.relayedHeartbeats }, (_, i) => ({
              ...{ shortId: i, generation: 5, sequence: 1, load: 0, age_ms: 1 },
            })),
          ),
        ),
      ),
    'a heartbeat of another digest': () => beatOf(encodeBeat({ ...beat(2, 5), digest: digest.fill(1) })),
  },
  'beat vitals': {
    'the vitals of 64 machines': () => {
      const one = { owner: peer, generation: 5, json: JSON.stringify('x'.repeat(100)) }
      const list = Array.from({ length: wireLimits.vitalsAtOnce }, (_, i) => ({ ...one, sequence: 2 + i }))
      return beatOf(encodeBeat({ type: 'vitals', list }))
    },
  },
  'beat farewell': { 'a farewell': () => beatOf(encodeBeat({ type: 'farewell', needed: false })) },
  'beat ask': { 'a question for heartbeats': () => beatOf(encodeBeat({ type: 'ask' })) },
  'beat able': { 'a word of what it can': () => beatOf(encodeBeat({ type: 'able' })) },
  'beat passing': { 'a word of what it passes on': () => beatOf(encodeBeat({ type: 'passing' })) },
  'beat question': {
    'a question to another': () => {
      const [subject = ''] = many
      return beatOf(encodeBeat({ type: 'question', subject, generation: 1, nonce: 'ab'.repeat(16), hops: 2 }))
    },
  },
  'beat answer': {
    'an answer to 16 questions': () => {
      const nonces = Array.from({ length: wireLimits.passedAtOnce }, (_, i) => i.toString(16).padStart(32, '0'))
      const [author = ''] = many
      const signature = new Uint8Array(64)
      return beatOf(encodeBeat({ type: 'answer', author, generation: 5, sequence: 2, nonces, signature }))
    },
  },
  'beat report': { 'a report of 64 members, to one observer': () => beatOf(encodeBeat(report)) },
  'gossip report': { 'a report of 64 members': () => gossipOf(report) },
  'gossip question': {
    'a question to 64 members': () => {
      const asked = many.slice(0, wireLimits.questionsAtOnce)
      const to = asked.map((subject) => ({ subject, generation: 1, nonce: 'ab'.repeat(16) }))
      return gossipOf({ type: 'question', to })
    },
  },
  'gossip answer': {
    'an answer to 64 questions': () => {
      const nonces = Array.from({ length: wireLimits.questionsAtOnce }, () => 'ab'.repeat(16))
      return gossipOf({ type: 'answer', generation: 5, sequence: 2, nonces })
    },
  },
  'gossip update': {
    'a step, of 60 KB, on 10 000 entries': () => {
      const { loop, written } = holding(10_000)
      return loop.measure(gossiped(written.step('x'.repeat(60_000), false)))
    },
    'a new epoch, with a change, of 500 entries': () => {
      const { loop, written } = holding(500)
      return loop.measure(gossiped(written.step('x', true)))
    },
    'a new epoch, with a change, of 10 000 entries': () => {
      const { loop, written } = holding(10_000)
      return loop.measure(gossiped(written.step('x', true)))
    },
    'the end of a document of 10 000 entries': () => {
      const loop = new Loop()
      const [ended, written] = [new Written(10_000, 'ended'), new Written(1)]
      loop.push(ended.full, written.full)
      return loop.measure(gossiped(written.ending(ended.signed)))
    },
    'sixty of these': () => {
      const { loop, written } = holding(10_000)
      const kept = Array.from({ length: 60 }, (_, i) => loop.measure(gossiped(written.step(`x${i}`, true))))
      return {
        longest_ms: Math.max(...kept.map(({ longest_ms }) => longest_ms)),
        all_ms: kept.reduce((sum, { all_ms }) => sum + all_ms, 0),
        turns: kept.reduce((sum, { turns }) => sum + turns, 0),
      }
    },
  },
  'request sync': {
    'a comparison of 4096 documents': () =>
      new Loop().request(encodeSyncRequest({ type: 'sync', scope: 'all', stale: false, holdings: manyHoldings })),
  },
  'request push': {
    '1000 documents of 5 entries': () =>
      new Loop().push(...many.slice(0, 1000).map((owner) => new Written(5, owner).full)),
    'a document of 500 entries': () => new Loop().push(new Written(500).full),
    'a document of 10 000 entries': () => new Loop().push(new Written(10_000).full),
  },
  'request remove': {
    'a removal': () => new Loop().request(encodeSyncRequest({ type: 'remove', id: 'i', n: 1, holding: nothing })),
  },
  'request act': {
    'an act of so many bytes': () => {
      const act = JSON.stringify({ type: 'set-status', details: 'x'.repeat(wireLimits.actBytes - 64) })
      return new Loop().request(encodeSyncRequest({ type: 'act', id: 'i', act, holding: nothing }))
    },
  },
  'request silences': {
    'the silence of 1024 members': () => {
      const silent = many.slice(0, wireLimits.silences)
      const silences = silent.map((owner) => ({ owner, generation: 5, sequence: 2, silence_s: 90_000 }))
      return new Loop().request(encodeSyncRequest({ type: 'silences', silences }))
    },
  },
  'response documents': {
    'an answer of 1000 documents of 5 entries': () => {
      const parcels = many.slice(0, 1000).map((owner) => new Written(5, owner).full)
      return new Loop().answer({ type: 'documents', parcels })
    },
  },
  'response end': {
    'an answer that wants 4096 documents': () => {
      const witness = { stale: false, heardOfAsker: true, silence_s: 0 }
      return new Loop().answer({ type: 'end', wanted: manyHoldings, witness })
    },
  },
  'response acted': {
    'what became of an act, in so many bytes': () =>
      new Loop().answer({ type: 'acted', ok: true, value: 'x'.repeat(wireLimits.actAnswerBytes / 4) }),
  },
}

/** What comes by itself. */
export const time: Cases = {
  'ten seconds among 4096 members of whom nobody hears': () => full().lapse(10_000),
}

/** What takes seconds, and is measured by hand alone. */
export const longest: Cases = {
  'a document of 150 000 entries': () => new Loop().push(new Written(wireLimits.entries).full),
}
