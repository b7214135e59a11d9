/**
 * What passes the border of a core, counted as it passes: its inputs, its effects. It changes neither, keeps nothing of what they carry.
 */
import type { CheckForm } from '../core/model/check.js'
import type { Effect, Input, RegistryEvent, StoreOp, StoredDocument } from '../core/effects.js'
import type { RegistryError } from '../core/model/errors.js'
import type { Figures } from '../core/figures.js'
import type { PeerId } from '../core/model/model.js'
import { decodeBeat, isHeartbeat } from '../core/wire/beat.js'
import { Counts, Durations } from './samples.js'

/** A commit is one synced write: a millisecond on a good disk, seconds on one that is about to fail. */
const commitBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Heartbeats come once a second; after 2.3 s of silence an observer reports. */
const gapBounds = [0.5, 0.9, 1.1, 1.25, 1.5, 2, 2.3, 3, 5, 8, 15, 30, 60]
/** The core looks at the clock ten times a second. */
const delayBounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

type Plane = 'gossip' | 'sync' | 'heartbeat'
type Direction = 'in' | 'out'

/** Messages of one plane, each way. */
class Traffic {
  readonly messages = new Counts('direction')
  readonly bytes = new Counts('direction')
  readonly #count: Readonly<Record<Direction, (size: number) => void>>

  constructor() {
    const counting = (direction: Direction): ((size: number) => void) => {
      const [messages, bytes] = [this.messages.of(direction), this.bytes.of(direction)]
      return (size) => {
        messages.value += 1
        bytes.value += size
      }
    }
    this.#count = { in: counting('in'), out: counting('out') }
  }

  note(direction: Direction, bytes: Uint8Array): void {
    this.#count[direction](bytes.length)
  }
}

/** How many bytes a write adds of one owner; `isWhole`: in place of all that there was. */
interface Written {
  readonly owner: PeerId
  readonly size: number
  readonly isWhole: boolean
}

export interface MeterParts {
  readonly figures: Pick<Figures, 'checkLateness_ms' | 'causeOf' | 'obstacle'>
  /** What was on disk at the start. */
  readonly documents: readonly StoredDocument[]
  /** Milliseconds on a clock that never steps. */
  readonly now: () => number
}

export class Meter {
  readonly #parts: MeterParts
  readonly traffic: Readonly<Record<Plane, Traffic>> = {
    gossip: new Traffic(),
    sync: new Traffic(),
    heartbeat: new Traffic(),
  }
  readonly commits = new Durations(commitBounds)
  readonly heartbeatGaps = new Durations(gapBounds)
  readonly checkDelays = new Durations(delayBounds)
  readonly checks = new Counts('type', 'result')
  readonly statusChanges = new Counts('to', 'cause')
  readonly hidings = new Counts('outcome')
  readonly rejections = new Counts('reason')
  /** When each peer was last heard that sends heartbeats here. */
  readonly #heardAt = new Map<PeerId, number>()
  readonly #committing = new Map<number, number>()
  /** Kinds of the checks that are under way, by their instance. */
  readonly #asked = new Map<string, string>()
  readonly #writes = new Set<number>()
  /** What is being written, by the number of the write: what the disk refuses takes no room there. */
  readonly #storing = new Map<number, readonly Written[]>()
  readonly #stored = new Map<PeerId, number>()
  #stored_bytes = 0

  constructor(parts: MeterParts) {
    this.#parts = parts
    // From the start on: an alert sees how fast a count grows, and not that it is there.
    for (const outcome of ['confirmed', 'refuted']) this.hidings.of(outcome)
    for (const reason of ['disk', 'joining', 'muted', 'stale', 'unavailable']) this.rejections.of(reason)
    for (const { owner, snapshot, updates } of parts.documents)
      for (const { head, content } of [
        ...(snapshot === undefined ? [] : [snapshot]),
        ...updates.map(({ head, update }) => ({ head, content: update })),
      ])
        this.#store(owner, head.length + content.length)
  }

  /** Of all documents on disk, with the updates that are not folded into a snapshot yet. */
  get stored_bytes(): number {
    return this.#stored_bytes
  }

  /** The same of the document of one owner. */
  storedOf(owner: PeerId): number {
    return this.#stored.get(owner) ?? 0
  }

  /** What the core is about to be told. */
  told(input: Input): void {
    switch (input.type) {
      case 'gossip':
        return this.traffic.gossip.note('in', input.bytes)
      case 'beat':
        this.traffic.heartbeat.note('in', input.bytes)
        return this.#beat(input.from, input.bytes)
      case 'request':
      case 'response':
        return this.traffic.sync.note('in', input.bytes)
      case 'disconnected':
        return void this.#heardAt.delete(input.peer)
      case 'stored':
        return this.#committed(input.id, input.error)
      case 'checked': {
        const type = this.#asked.get(input.id)
        this.#asked.delete(input.id)
        return type === undefined ? undefined : this.checks.add(type, input.result.status)
      }
      case 'command':
        return void this.#writes.add(input.ticket)
      default: // carries nothing that is counted
    }
  }

  /** What it asks for, when that is begun. */
  asked(effect: Effect): void {
    switch (effect.type) {
      case 'broadcast':
        return this.traffic.gossip.note('out', effect.bytes)
      case 'beat':
        return this.traffic.heartbeat.note('out', effect.bytes)
      case 'request':
      case 'reply':
        return this.traffic.sync.note('out', effect.bytes)
      case 'store':
        if (effect.sync && !this.#committing.has(effect.id)) this.#committing.set(effect.id, this.#parts.now())
        return this.#begun(effect.id, effect.ops)
      case 'check':
        this.checkDelays.note(Math.max(0, this.#parts.figures.checkLateness_ms(effect.id)) / 1000)
        return void this.#asked.set(effect.id, kindOf(effect.check))
      case 'settle':
        if (this.#writes.delete(effect.ticket) && !effect.result.ok) this.#rejected(effect.result.error)
        return
      case 'notify':
        return this.#happened(effect.event)
      default: // as above
    }
  }

  /** Of those that send heartbeats here; one that says that it sends no more is not late with the next. */
  #beat(from: PeerId, bytes: Uint8Array): void {
    if (isHeartbeat(bytes)) {
      const now = this.#parts.now()
      const before = this.#heardAt.get(from)
      if (before !== undefined) this.heartbeatGaps.note((now - before) / 1000)
      this.#heardAt.set(from, now)
    } else if (this.#heardAt.has(from) && decodeBeat(bytes)?.type === 'farewell') this.#heardAt.delete(from)
  }

  /** One that the disk refuses is tried again under its number: it takes as long as until it is there. */
  #committed(id: number, error: string | undefined): void {
    const written = this.#storing.get(id) ?? []
    this.#storing.delete(id)
    if (error === undefined) for (const one of written) this.#written(one)
    const begun = this.#committing.get(id)
    if (begun === undefined || error !== undefined) return
    this.#committing.delete(id)
    this.commits.note((this.#parts.now() - begun) / 1000)
  }

  #begun(id: number, ops: readonly StoreOp[]): void {
    const written = ops.flatMap((op) => writtenBy(op) ?? [])
    if (written.length > 0) this.#storing.set(id, written)
  }

  #written({ owner, size, isWhole }: Written): void {
    if (isWhole) {
      this.#stored_bytes -= this.#stored.get(owner) ?? 0
      this.#stored.delete(owner)
    }
    if (size > 0) this.#store(owner, size)
  }

  #store(owner: PeerId, more_bytes: number): void {
    this.#stored.set(owner, (this.#stored.get(owner) ?? 0) + more_bytes)
    this.#stored_bytes += more_bytes
  }

  #rejected({ code }: RegistryError): void {
    this.rejections.add(code === 'unavailable' ? (this.#parts.figures.obstacle ?? code) : code)
  }

  #happened(event: RegistryEvent): void {
    if (event.type === 'member' && event.from === 'hidden') {
      if (event.to === 'alive') this.hidings.add('refuted')
      if (event.to === 'dead') this.hidings.add('confirmed')
    }
    if (event.type !== 'instance-status') return
    const cause = this.#parts.figures.causeOf(event.id)
    if (cause !== undefined) this.statusChanges.add(event.to, cause)
  }
}

function writtenBy(op: StoreOp): Written | undefined {
  const { type } = op
  if (type === 'update') return { owner: op.owner, size: op.head.length + op.update.length, isWhole: false }
  if (type === 'snapshot') return { owner: op.owner, size: op.head.length + op.content.length, isWhole: true }
  return type === 'forget' ? { owner: op.owner, size: 0, isWhole: true } : undefined
}

/** How it is asked, in one word. */
function kindOf(form: CheckForm): string {
  if (typeof form === 'string') return form.split(':')[0] === 'tcp' ? 'tcp' : 'http'
  return 'grpc' in form ? 'grpc' : 'http' in form ? 'http' : 'tcp'
}
