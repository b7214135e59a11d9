/**
 * From the bytes of a question to those of its answer: at once, unless names of others have to be found first.
 */
import { Dropped } from '../core/basics/dropped.js'
import type { HostAddresses } from './addresses.js'
import type { LookupResult, ResourceRecord, Said, Zone } from './answers.js'
import { encodeAnswer, encodeTruncated, encodeWrong, readQuestion, type Question, type Transport } from './packets.js'
import type { RegisterView } from './view.js'
import type { DnsDropReason } from '../core/words/drop-reasons.js'

/** Answers that wait for names, beyond which there is none. */
const waitingAtMost = 1024

export interface ResponderParts {
  readonly zone: Zone
  readonly addresses: HostAddresses
  /** Undefined until there is a register. */
  readonly view: () => RegisterView | undefined
  /** How many questions for services had which answer, counted on here. */
  readonly lookups: Readonly<Record<LookupResult, { value: number }>>
  readonly wall: () => number
  /** Between 0 and 1. */
  readonly chance: () => number
}

export class Responder {
  readonly #parts: ResponderParts
  /** By what was wrong with it. */
  readonly #dropped = new Dropped<DnsDropReason>()
  #waiting = 0

  constructor(parts: ResponderParts) {
    this.#parts = parts
  }

  /**
   * Never throws, never rejects.
   * @param isTruncated nothing is told but to come by TCP
   * @returns undefined where nothing is to be said
   */
  respond(packet: Uint8Array, { isTcp, isTruncated = false }: Asking): Bytes | Promise<Bytes> {
    const question = readQuestion(packet)
    if (question.type === 'dropped') return this.drop(question.why)
    if (question.type === 'wrong') return encodeWrong(question)
    if (isTruncated) return encodeTruncated(question)
    const said = this.#answer(question)
    const transport = { isTcp, ordered: this.#ordered }
    if (said.type !== 'ask first') return encodeAnswer(question, said, transport)
    return this.#answerLater(question, said.hosts, transport)
  }

  /** Counts what is answered to nobody. */
  drop(why: DnsDropReason): undefined {
    this.#dropped.count(why)
    return undefined
  }

  dropped(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(this.#dropped.all()).map(([why, count]) => [`DNS: ${why}`, count]))
  }

  #answer({ name, recordType }: Question): Said {
    const { zone, view, addresses, wall, lookups } = this.#parts
    const serial = Math.floor(wall() / 1000) >>> 0
    const said = zone.answer(name, recordType, view() ?? nobody, addresses.find, serial)
    if (said.lookup !== undefined) lookups[said.lookup].value += 1
    return said
  }

  async #answerLater(question: Question, hosts: readonly string[], transport: Transport): Promise<Bytes> {
    if (this.#waiting >= waitingAtMost) return encodeAnswer(question, { type: 'failed' }, transport)
    this.#waiting += 1
    try {
      await this.#parts.addresses.settle(hosts)
    } finally {
      this.#waiting -= 1
    }
    const said = this.#answer(question)
    // Other names than a moment ago: whoever asks again gets those.
    return encodeAnswer(question, said.type === 'ask first' ? { type: 'failed' } : said, transport)
  }

  /** Another order each time, as far as it is told: what stands first is called most. */
  readonly #ordered = (records: readonly ResourceRecord[], most: number): readonly ResourceRecord[] => {
    if (records.length < 2) return records
    const all = [...records]
    const last = Math.min(most, all.length - 1)
    for (let i = 0; i < last; i += 1) {
      const drawn = i + Math.floor(this.#parts.chance() * (all.length - i))
      const one = all[i] as ResourceRecord
      all[i] = all[drawn] as ResourceRecord
      all[drawn] = one
    }
    return all
  }
}

export type Bytes = Uint8Array | undefined

interface Asking {
  readonly isTcp: boolean
  readonly isTruncated?: boolean
}

/** Before there is a register. */
const nobody: RegisterView = {
  ready: false,
  degraded: false,
  slugs: () => [],
  listed: () => undefined,
  records: () => [],
  isHome: () => false,
  nodes: () => [],
  here: undefined,
}
