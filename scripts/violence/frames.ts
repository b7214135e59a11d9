// Gives every decoder of what peers send millions of frames gone wrong: none may throw, keep the processor busy, or read itself otherwise.
import { Content } from '../../src/core/document/content.js'
import { decodeBeat, encodeBeat } from '../../src/core/wire/beat.js'
import { decodeGossip, encodeGossip } from '../../src/core/wire/gossip.js'
import { decodeHead } from '../../src/core/wire/head.js'
import {
  decodeSyncRequest,
  decodeSyncResponse,
  encodeSyncRequest,
  encodeSyncResponse,
} from '../../src/core/wire/sync.js'
import { recordMessages } from '../../test/sim/messages.js'
import { mutate } from '../../test/sim/mutation.js'
import { Random } from '../../test/sim/random.js'
import type { Row } from '../bench/report.js'

/** A frame may take so much of the processor. */
const stall_ms = 100
/** A frame that was slow is tried so often again: another process, or the collection of garbage, may have been in its way. */
const tries = 3
const toldAtMost = 20
/** Mutated frames that were read are mutated further, so that faults add up; so many of them are kept. */
const readKept = 500

interface Parser {
  readonly name: string
  readonly frames: readonly Uint8Array[]
  /** @returns how what was read is written; undefined where it is no such frame, or nobody writes it */
  readonly read: (bytes: Uint8Array) => Uint8Array | undefined
}

export interface Frames {
  readonly parser: string
  readonly tried: number
  /** Of them, frames in which the parser saw sense. */
  readonly read: number
  readonly slowest_ms: number
  readonly took_s: number
  /** What breaks a promise, a line each. */
  readonly broken: readonly string[]
}

/** @param count frames for each parser */
export function* spoilFrames(count: number, seed: number): Generator<Frames> {
  for (const parser of parsers()) yield spoil(parser, count, seed)
}

function parsers(): Parser[] {
  const { byKind } = recordMessages()
  const replies = byKind.reply.map((bytes) => decodeSyncResponse(bytes))
  const parcels = replies.flatMap((reply) => (reply?.type === 'documents' ? reply.parcels : []))
  const full = parcels.filter(({ content }) => content.type === 'full').map(({ content }) => content.bytes)
  const steps = byKind.gossip.flatMap((bytes) => {
    const message = decodeGossip(bytes)
    return message?.type === 'update' && message.step !== undefined ? [message.step.bytes] : []
  })
  const client = parcels[0]?.signed.head.client ?? 1
  return [
    { name: 'gossip', frames: byKind.gossip, read: again(decodeGossip, encodeGossip) },
    { name: 'beats', frames: byKind.beat, read: again(decodeBeat, encodeBeat) },
    { name: 'questions', frames: byKind.request, read: again(decodeSyncRequest, encodeSyncRequest) },
    { name: 'answers', frames: byKind.reply, read: again(decodeSyncResponse, encodeSyncResponse) },
    { name: 'heads', frames: parcels.map(({ signed }) => signed.bytes), read: (bytes) => decodeHead(bytes)?.bytes },
    {
      name: 'documents',
      frames: full,
      read: (bytes) => {
        const content = Content.load(bytes, client)
        for (const { key, value } of content?.entries() ?? [])
          if (typeof key !== 'string' || typeof value !== 'string') throw new Error('an entry that is no text')
        return content?.encode()
      },
    },
    {
      name: 'steps',
      frames: steps,
      read: (bytes) => (Content.load(full[0] ?? bytes, client)?.apply(bytes) === undefined ? undefined : bytes),
    },
  ]
}

function again<T>(decode: (bytes: Uint8Array) => T | undefined, encode: (value: T) => Uint8Array): Parser['read'] {
  return (bytes) => {
    const value = decode(bytes)
    return value === undefined ? undefined : encode(value)
  }
}

function spoil(parser: Parser, count: number, seed: number): Frames {
  const random = new Random(seed)
  const pool = [...parser.frames]
  const broken: string[] = []
  let [read, slowest_ms] = [0, 0]
  const begun = performance.now()
  for (let tried = 0; tried < count && broken.length < toldAtMost; tried++) {
    const frame = mutate(random.pick(pool), parser.frames, random)
    const from = performance.now()
    try {
      const written = parser.read(frame)
      slowest_ms = Math.max(slowest_ms, duration(parser, frame, performance.now() - from))
      if (written === undefined) continue
      read += 1
      if (!isStable(parser, written)) broken.push(told(parser, frame, 'reads itself otherwise'))
      if (frame.length < 50_000 && pool.length < parser.frames.length + readKept) pool.push(frame)
    } catch (error) {
      broken.push(told(parser, frame, String(error)))
    }
    if (slowest_ms > stall_ms) broken.push(told(parser, frame, `takes ${slowest_ms} ms`))
  }
  return { parser: parser.name, tried: count, read, slowest_ms, took_s: (performance.now() - begun) / 1000, broken }
}

function isStable({ read }: Parser, written: Uint8Array): boolean {
  const twice = read(written)
  return twice !== undefined && Buffer.compare(twice, written) === 0
}

/** What it takes of the processor, where the clock says that it was too long. */
function duration({ read }: Parser, frame: Uint8Array, first_ms: number): number {
  let least_ms = first_ms
  for (let i = 0; i < tries && least_ms > stall_ms; i++) {
    const before = process.cpuUsage()
    read(frame)
    const { user, system } = process.cpuUsage(before)
    least_ms = Math.min(least_ms, (user + system) / 1000)
  }
  return least_ms
}

function told({ name }: Parser, frame: Uint8Array, what: string): string {
  return `${name}: ${what}: ${Buffer.from(frame.subarray(0, 400)).toString('hex')}`
}

export function rowsOf({ parser, tried, read, slowest_ms, took_s, broken }: Frames): Row[] {
  return [
    { what: `${parser}: frames gone wrong`, unit: '', value: String(tried) },
    { what: `${parser}: of them read all the same`, unit: '', value: String(read) },
    { what: `${parser}: the slowest frame`, unit: 'ms', value: slowest_ms.toFixed(1) },
    { what: `${parser}: all of them`, unit: 's', value: took_s.toFixed(0) },
    { what: `${parser}: threw, stalled, or read itself otherwise`, unit: '', value: String(broken.length) },
  ]
}
