// What peers send may be anything: no decoder, document, replica or registry throws, stalls, or changes what it holds because of it.
import { expect, test } from 'vitest'
import { Content } from '../../src/core/document/content.js'
import { NodeDocument } from '../../src/core/document/document.js'
import type { Input } from '../../src/core/effects.js'
import { Replica } from '../../src/core/replica/replica.js'
import { decodeBeat, encodeBeat } from '../../src/core/wire/beat.js'
import { decodeGossip, encodeGossip } from '../../src/core/wire/gossip.js'
import { Signatures, type SignedHead, decodeHead, signHead, verifyHead } from '../../src/core/wire/head.js'
import {
  type Parcel,
  decodeSyncRequest,
  decodeSyncResponse,
  encodeSyncRequest,
  encodeSyncResponse,
} from '../../src/core/wire/sync.js'
import { cheapCrypto, quickHash as hash } from '../sim/crypto.js'
import { mutate } from '../sim/mutation.js'
import { Random } from '../sim/random.js'
import { recordMessages } from '../sim/messages.js'
import type { Sent } from '../sim/wires.js'

const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 2_000)
/** Of the processor's time in this process, which has this file to itself: many times what any of this takes. */
const stall_ms = 100
/** The same bytes must do it so often in a row: now and then the collection of garbage falls into a run. */
const stallsInRow = 3

const { world, byKind } = recordMessages()
const contents = byKind.reply.flatMap((bytes) => {
  const reply = decodeSyncResponse(bytes)
  return reply?.type === 'documents' ? reply.parcels : []
})
const full = contents.filter(({ content }) => content.type === 'full')

/** Whether that keeps a processor busy for too long; how busy others keep the machine does not count. */
function stalls(run: () => void): boolean {
  const before = process.cpuUsage()
  run()
  return processorSince_ms(before) > stall_ms
}

function processorSince_ms(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Runs often and looks whether one run stalls us; `run` throws where another promise is broken. */
function often(times: number, what: string, run: (random: Random) => void): void {
  for (let seed = 1; seed <= times; seed++) {
    try {
      let inRow = 0
      while (inRow < stallsInRow && stalls(() => run(new Random(seed)))) inRow += 1
      if (inRow === stallsInRow) throw new Error(`keeps the processor busy for longer than ${stall_ms} ms each time`)
    } catch (error) {
      throw new Error(`${what}: seed ${seed}: ${String(error)}`, { cause: error })
    }
  }
}

test('bytes that keep the processor busy are caught, and one slow moment is not taken for them', () => {
  const work = (): void => {
    const before = process.cpuUsage()
    let used_ms = 0
    while (used_ms <= stall_ms * 1.5) used_ms = processorSince_ms(before)
  }
  expect(() => often(1, 'stalling', work)).toThrow(/stalling: seed 1: .*busy/)
  let runs = 0
  often(1, 'once', () => {
    runs += 1
    if (runs === 1) work()
  })
  expect(runs).toBe(2)
})

test('every kind of message was recorded', () => {
  expect(new Set(byKind.gossip.map((bytes) => decodeGossip(bytes)?.type))).toEqual(
    new Set(['update', 'report', 'question', 'answer']),
  )
  expect(new Set(byKind.beat.map((bytes) => decodeBeat(bytes)?.type))).toEqual(
    new Set(['heartbeat', 'report', 'vitals', 'able', 'passing', 'ask', 'question', 'answer']),
  )
  expect(new Set(byKind.request.map((bytes) => decodeSyncRequest(bytes)?.type))).toEqual(
    new Set(['sync', 'push', 'remove', 'act']),
  )
  expect(new Set(byKind.reply.map((bytes) => decodeSyncResponse(bytes)?.type))).toEqual(
    new Set(['documents', 'end', 'acted']),
  )
  expect(full.length).toBeGreaterThan(0)
})

const decoders = [
  { kind: 'gossip', decode: decodeGossip, encode: encodeGossip },
  { kind: 'beat', decode: decodeBeat, encode: encodeBeat },
  { kind: 'request', decode: decodeSyncRequest, encode: encodeSyncRequest },
  { kind: 'reply', decode: decodeSyncResponse, encode: encodeSyncResponse },
] as const

test.each(decoders)(
  'the decoder of $kind makes a value or nothing, and a value that encodes to what it was read from',
  (one) => {
    const decode = one.decode as (bytes: Uint8Array) => unknown
    const encode = one.encode as (value: unknown) => Uint8Array
    for (const bytes of byKind[one.kind]) expect(Buffer.from(encode(decode(bytes)))).toEqual(Buffer.from(bytes))
    often(rounds, one.kind, (random) => {
      const bytes = mutate(random.pick(byKind[one.kind]), byKind[one.kind], random)
      const value = decode(bytes)
      if (value === undefined) return
      const again = encode(value)
      if (Buffer.compare(encode(decode(again)), again) !== 0) throw new Error('reads itself otherwise')
    })
  },
)

test('a head is read whole or not at all, and no changed one verifies', () => {
  const heads = contents.map(({ signed }) => signed.bytes)
  const crypto = cheapCrypto('nobody')
  const known = new Set(heads.map((bytes) => Buffer.from(bytes).toString('hex')))
  often(rounds, 'head', (random) => {
    const bytes = mutate(random.pick(heads), heads, random)
    const signed = decodeHead(bytes)
    if (signed === undefined || known.has(Buffer.from(bytes).toString('hex'))) return
    expect(verifyHead(signed, crypto)).toBe(false)
  })
})

test('Yjs content is loaded whole or not at all, and an update touches nothing that it should not', () => {
  const bodies = full.map(({ content }) => content.bytes)
  const { client } = (full[0] as Parcel).signed.head
  often(rounds, 'content', (random) => {
    const loaded = Content.load(mutate(random.pick(bodies), bodies, random), client)
    if (loaded !== undefined)
      for (const { key, value } of loaded.entries()) expect([typeof key, typeof value]).toEqual(['string', 'string'])
  })
  const updates = byKind.gossip.flatMap((bytes) => {
    const message = decodeGossip(bytes)
    return message?.type === 'update' && message.step !== undefined ? [message.step.bytes] : []
  })
  often(rounds / 4, 'update', (random) => {
    const content = Content.load(random.pick(bodies), client)
    content?.apply(mutate(random.pick(updates), updates, random))
  })
})

test('a document keeps its entries whatever is offered to it', () => {
  const { signed, content } = full.reduce((a, b) => (a.content.bytes.length > b.content.bytes.length ? a : b))
  const { head } = signed
  const bodies = contents.map((parcel) => parcel.content.bytes)
  often(rounds / 4, 'document', (random) => {
    const document = NodeDocument.load(hash, signed, content.bytes) as NodeDocument
    const before = [...document.entries.sorted()]
    const digest = Buffer.from(document.entries.digest())
    const next = { ...head, version: head.version + 1, epoch: head.epoch + random.below(2) }
    const outcome = document.take(signHead(next, cheapCrypto(head.owner)), {
      fromEpoch: head.epoch,
      fromVersion: head.version,
      bytes: mutate(random.pick(bodies), bodies, random),
    })
    if (outcome.type === 'taken') expect(outcome.changes).toEqual([]) // the digest says that nothing changed
    expect([...document.entries.sorted()]).toEqual(before)
    expect(Buffer.from(document.entries.digest())).toEqual(digest)
  })
})

test('a replica takes only what is signed and what its digest says', () => {
  const replica = new Replica(cheapCrypto('me'), new Signatures(cheapCrypto('me')))
  for (const parcel of full) replica.offer(parcel, 0, 0)
  const held = (): string[] =>
    replica
      .holdings()
      .map((holding) => JSON.stringify(holding))
      .sort()
  const before = held()
  expect(before.length).toBeGreaterThan(0)
  const heads = contents.map(({ signed }) => signed.bytes)
  const bodies = contents.map((parcel) => parcel.content.bytes)
  const valid = new Set(heads.map((bytes) => Buffer.from(bytes).toString('hex')))
  often(rounds / 4, 'replica', (random) => {
    const signed = decodeHead(mutate(random.pick(heads), heads, random))
    if (signed === undefined || valid.has(Buffer.from(signed.bytes).toString('hex'))) return
    replica.offer({ signed, content: { type: 'full', bytes: mutate(random.pick(bodies), bodies, random) } }, 0, 1)
    replica.offer({ signed, content: { type: 'step', fromEpoch: 1, fromVersion: 1, bytes: random.pick(bodies) } }, 0, 1)
  })
  expect(held()).toEqual(before)
})

test('a registry told nonsense by a member holds what it held, answers its callers and stays bounded', () => {
  const at = (n: number): { now: number; wall: number } => ({ now: world.now + n, wall: Date.UTC(2026, 0, 2) })
  const { live } = world.machine('b')
  const before = live.read.digest()
  const everything = Object.values(byKind).flat()
  let asked = 0
  often(rounds / 2, 'registry', (random) => {
    const kind = random.pick(['gossip', 'beat', 'request', 'reply'] as const)
    const bytes = mutate(random.pick(byKind[kind]), everything, random)
    const id = 1_000_000 + random.below(100)
    const inputs: Record<typeof kind, Input> = {
      gossip: { type: 'gossip', author: random.pick(['a', 'c', 'z']), bytes },
      beat: { type: 'beat', from: random.pick(['a', 'c', 'z']), bytes },
      request: { type: 'request', from: random.pick(['a', 'c']), id, bytes },
      reply: { type: 'response', id: random.below(2) === 0 ? random.below(200) : id, bytes },
    }
    if (isValid(kind, bytes)) return
    for (const effect of live.handle(inputs[kind], at(0))) if (effect.type === 'request') asked += 1
  })
  expect(live.read.digest()).toEqual(before)
  expect(live.read.instances(at(0)).map(({ id }) => id)).toEqual(expect.arrayContaining(['i4', 'i7', 'i10'])) // its own
  expect(asked).toBeLessThan(rounds / 20)
})

/** Mutations that are still messages, and may well be taken: of removals, or acts, that ask for what another did not. */
function isValid(kind: Sent['kind'], bytes: Uint8Array): boolean {
  if (kind !== 'request') return false
  const type = decodeSyncRequest(bytes)?.type
  return type === 'remove' || type === 'act'
}

test('signed heads over hostile content change nothing: the owner himself may be broken', () => {
  const owner = 'a'
  const crypto = cheapCrypto(owner)
  const { live } = world.machine('b')
  const base = live.read.digest().documents.find((document) => document.owner === owner)
  const { signed } = full.find((parcel) => parcel.signed.head.owner === owner) as { signed: SignedHead }
  const bodies = full.map(({ content }) => content.bytes)
  often(rounds / 10, 'signed', (random) => {
    const head = { ...signed.head, generation: (base?.generation ?? 0) + 1, version: 1_000 + random.below(1000) }
    const step = {
      fromEpoch: head.epoch,
      fromVersion: base?.version ?? 0,
      bytes: mutate(random.pick(bodies), bodies, random),
    }
    const message = encodeGossip({ type: 'update', signed: signHead(head, crypto), step })
    live.handle(
      { type: 'gossip', author: owner, bytes: message },
      { now: world.now + 200_000, wall: Date.UTC(2026, 0, 2) },
    )
  })
  expect(live.read.digest().documents.find((document) => document.owner === owner)).toEqual(base)
})
