/**
 * Answers that are made at the pace at which they are read: whose turn it is, of what. A piece is one message, filled up to its limit;
 * it is made once those before it have gone to the socket.
 *
 *     question   piece 1 ── piece 2 ── piece 3 ·····  gone(1) ── piece 4 ····· … end      the asker reads
 *     question   piece 1 ── piece 2 ── piece 3 ·····  cut off                              the asker does not: nothing more was made
 *
 * Which documents go is written down when the answer begins; each is compared when its piece is made, and the end is made last of all.
 */
import type { PeerId } from '../model/model.js'
import { Tally } from '../basics/tally.js'
import { wireLimits } from '../wire/limits.js'
import type { Holding } from '../wire/sync.js'
import type { WaitingBytes } from './waiting-bytes.js'

export const paceLimits = {
  /** Pieces of one answer that are on their way at once: none of them waits for the next to be made. */
  piecesAtOnce: 4,
  /** No other piece is made while this much of the answer is on its way: a large document goes alone. */
  answerBytes: 2 * wireLimits.syncBatchBytes,
  /** Answers at once, those that wait for the disk among them. */
  answers: 512,
  /** What those who ask said that they hold, kept until they are answered: twice all documents for one, sixteen times for all. */
  peerHoldings: 2 * (wireLimits.documents + 1),
  holdings: 16 * (wireLimits.documents + 1),
  /** What is said to be held, compared in one turn. */
  turnHoldings: 1024,
  /** Once so many bytes are made in a turn the rest waits for the next: a megabyte takes ten milliseconds. A large document is more by itself. */
  turnBytes: wireLimits.syncBatchBytes / 4,
  /** To look whether anything of a document goes costs as much as to make so many. */
  lookBytes: 64,
} as const

/** What ends an answer. */
export type End =
  | {
      readonly type: 'compared'
      readonly scope: 'all' | 'listed'
      readonly comparable: readonly Holding[]
      /** So many of them are looked at, and these of them are wanted. */
      next: number
      readonly wanted: Holding[]
      /** How far the answerer was from having all when the answer began, see `FirstSync.stepsFor`. */
      readonly steps: number
    }
  | { readonly type: 'removed' }
  | { readonly type: 'acted'; readonly value: string }

export interface AnswerUnderWay {
  readonly from: PeerId
  readonly request: number
  /** Those whose documents may have to go, and what the asker holds of them. */
  readonly owners: readonly PeerId[]
  readonly theirs: ReadonlyMap<PeerId, Holding>
  readonly end: End
  /** The next of the owners. */
  next: number
}

interface Entry {
  readonly from: PeerId
  readonly holdings: number
  /** Absent while it waits for the disk. */
  answer: AnswerUnderWay | undefined
  /** Bytes of the pieces that are on their way, in their order. */
  readonly onTheWay: number[]
  bytes: number
  isEnded: boolean
}

export class Pace {
  readonly #bytes: WaitingBytes
  readonly #entries = new Map<number, Entry>()
  /** Those of which another piece may be made as far as they themselves go, in the order of their turns. */
  readonly #ready = new Set<number>()
  readonly #holdings = new Tally<PeerId>()

  constructor(bytes: WaitingBytes) {
    this.#bytes = bytes
  }

  get size(): number {
    return this.#entries.size
  }

  /** A question has come. @returns false where it is one too many: it is answered by nothing */
  admit(from: PeerId, request: number, holdings: number): boolean {
    if (this.#entries.size >= paceLimits.answers) return false
    if (this.#holdings.of(from) + holdings > paceLimits.peerHoldings) return false
    if (this.#holdings.total + holdings > paceLimits.holdings) return false
    this.#holdings.add(from, holdings)
    this.#entries.set(request, { from, holdings, answer: undefined, onTheWay: [], bytes: 0, isEnded: false })
    return true
  }

  /** What was admitted can be answered now. */
  begin(answer: AnswerUnderWay): void {
    const entry = this.#entries.get(answer.request)
    if (entry === undefined) return // nobody reads it any more
    entry.answer = answer
    this.#ready.add(answer.request)
  }

  /** Nothing waits for its turn: so it is after nearly every input. */
  get isIdle(): boolean {
    return this.#ready.size === 0
  }

  #mayGrow(request: number): boolean {
    const entry = this.#entries.get(request)
    return entry !== undefined && this.#bytes.mayGrow(entry.from)
  }

  /** Those of which a piece may be made now, each once, as long as it may; first those that somebody waits for to be done with an act. */
  *turns(): Generator<AnswerUnderWay, void> {
    const ready = [...this.#ready].flatMap((request) => this.#entries.get(request)?.answer ?? [])
    const isAct = ({ end }: AnswerUnderWay): boolean => end.type !== 'compared'
    for (const answer of [...ready.filter(isAct), ...ready.filter((each) => !isAct(each))])
      if (this.#mayGrow(answer.request)) yield answer
  }

  /** A piece of it was made. @param isLast whether that was its end */
  given({ request }: AnswerUnderWay, bytes: number, isLast: boolean): void {
    const entry = this.#entries.get(request)
    if (entry === undefined) return
    entry.onTheWay.push(bytes)
    entry.bytes += bytes
    entry.isEnded = isLast
    this.#bytes.add(entry.from, bytes)
    this.#ready.delete(request) // its next turn comes after those of all others
    if (hasRoom(entry)) this.#ready.add(request)
  }

  /** The first of its pieces on the way has gone to the socket; not `ok`: nobody reads it any more. */
  gone(request: number, ok: boolean): void {
    const entry = this.#entries.get(request)
    if (entry === undefined) return
    const bytes = entry.onTheWay.shift() ?? 0
    entry.bytes -= bytes
    this.#bytes.remove(entry.from, bytes)
    if (!ok || (entry.isEnded && entry.onTheWay.length === 0)) this.#forget(request)
    else if (entry.answer !== undefined && hasRoom(entry)) this.#ready.add(request)
  }

  #forget(request: number): void {
    const entry = this.#entries.get(request)
    if (entry === undefined) return
    this.#entries.delete(request)
    this.#ready.delete(request)
    if (entry.bytes > 0) this.#bytes.remove(entry.from, entry.bytes)
    this.#holdings.add(entry.from, -entry.holdings)
  }
}

function hasRoom({ onTheWay, bytes, isEnded }: Entry): boolean {
  return !isEnded && onTheWay.length < paceLimits.piecesAtOnce && bytes < paceLimits.answerBytes
}
