/**
 * Bytes of one that sends, which wait here for turns of the event loop: whoever reads them is given sips, of a size that is learned. While
 * some wait longer than a turn nothing more is to come. It drops nothing, knows nothing of streams.
 */
import { Allowance } from './allowances.js'
import type { Waiting } from './order.js'
import { turns } from './turns.js'

/** What a sip should cost. How many bytes that are is learned: they may open fifty streams, or be a piece of a document. */
const sip_ms = 0.25
export const sipBytes = { least: 128, first: 1024, most: 64 * 1024 } as const
/**
 * What a byte costs at the least: at each step it is copied several times, and what is left of that the garbage collector clears away
 * later. 50 MB a second that nobody wanted were four long pauses each second.
 */
const least_msPerByte = 10 / 1e6
/** After what was too much. */
const rest_ms = 100

/** Whoever bytes come from. */
export interface Source {
  /** Nothing more is to come for now, or all may again. */
  hold(): void
  release(): void
  /** Whether what comes of it is taken now; where not, `Sips.wake` follows, or nothing ever is. */
  isOpen(): boolean
  /** What the sips since the last call cost at the least, beside what their bytes do. */
  takeCost_ms?(): number
  /** How many of these bytes may be one sip: at least one of them. */
  atOnce?(bytes: Uint8Array): number
  /** Nothing of it waits any more. */
  emptied?(): void
}

/** What whoever reads may ask for, each of it whatever else was asked for: what waits is taken once nothing speaks against it. */
export interface Intake {
  /** Takes nothing of it for a moment: it was more than whoever sends it may send. */
  rest(): void
  /** Takes nothing of it until it is to go on. */
  pause(): void
  resume(): void
  /** It is known who sends it, and from whose time it is to be taken from now on. */
  known(allowance: Allowance): void
}

export class Sips implements Waiting, Intake {
  #allowance: Allowance
  readonly #source: Source
  readonly #drink: (bytes: Uint8Array) => void
  readonly #bytes: Uint8Array[] = []
  /** Nothing more is to come of its source until this is empty. */
  #isHeld = false
  /** Is to have a turn, or has one. */
  #isQueued = false
  #isPaused = false
  #resting: NodeJS.Timeout | undefined
  #sipBytes: number = sipBytes.first

  constructor(source: Source, drink: (bytes: Uint8Array) => void, allowance = new Allowance()) {
    this.#source = source
    this.#drink = drink
    this.#allowance = allowance
  }

  get allowance(): Allowance {
    return this.#allowance
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Nothing of it waits, or is being taken. */
  get isEmpty(): boolean {
    return this.#bytes.length === 0 && !this.#isQueued
  }

  take(bytes: Uint8Array): void {
    this.#bytes.push(bytes)
    this.wake()
  }

  /** Something has come, or what spoke against taking it is over. */
  wake(): void {
    if (this.#isQueued || !this.#mayBeTaken()) return
    if (this.#bytes.length === 0) return this.#letCome()
    this.#isQueued = true
    turns.add(this)
  }

  rest(): void {
    this.#resting ??= setTimeout(() => {
      this.#resting = undefined
      this.wake()
    }, rest_ms).unref()
    this.hold()
  }

  pause(): void {
    this.#isPaused = true
    this.hold()
  }

  resume(): void {
    this.#isPaused = false
    this.wake()
  }

  known(allowance: Allowance): void {
    this.#allowance = allowance
  }

  hold(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    this.#source.hold()
  }

  goOn(): number {
    const [first] = this.#bytes
    if (first === undefined || !this.#mayBeTaken()) return 0
    const most = first.subarray(0, this.#sipBytes)
    const sip = most.subarray(0, this.#source.atOnce?.(most))
    const rest = first.subarray(sip.length)
    if (rest.length > 0) this.#bytes[0] = rest
    else this.#bytes.shift()
    this.#drink(sip)
    return sip.length * least_msPerByte + (this.#source.takeCost_ms?.() ?? 0)
  }

  took(time_ms: number): void {
    if (time_ms > sip_ms) this.#sipBytes = Math.max(sipBytes.least, this.#sipBytes / 2)
    else if (time_ms < sip_ms / 4) this.#sipBytes = Math.min(sipBytes.most, this.#sipBytes * 2)
  }

  /** Where nothing waits any more, its source may send again; where it was paused meanwhile, once it is resumed. */
  wantsMore(): boolean {
    this.#isQueued = this.#bytes.length > 0 && this.#mayBeTaken()
    if (this.#bytes.length > 0) return this.#isQueued
    if (!this.#isPaused && this.#resting === undefined) this.#letCome()
    this.#source.emptied?.()
    return false
  }

  #mayBeTaken(): boolean {
    return !this.#isPaused && this.#resting === undefined && this.#source.isOpen()
  }

  #letCome(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    if (this.#source.isOpen()) this.#source.release()
  }
}
