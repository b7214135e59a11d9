// What every daemon of every simulated world asked for, as hashes: the net under a refactoring, which must change none of it.
// Effects are told apart by machine, kind and destination; within each of these their order counts. Texts for people are hashed apart.
import type { Effect, Input } from '../../../src/core/effects.js'
import { quickHash } from '../crypto.js'

/** What one machine asked for of one kind and from one destination: 16 bits of a running hash after each effect. */
interface Stream {
  marks: number[]
  chain: number
  texts: number[]
  textChain: number
}

/** A stream as it stands in a file: one line of JSON. Marks are 16-bit numbers in base64. */
export interface Line {
  readonly world: string
  readonly stream: string
  readonly marks: string
  readonly texts: string
}

export interface Difference {
  readonly world: string
  readonly stream: string
  /** Which of the stream's effects is the first that differs, from 0. */
  readonly index: number
  readonly what: string
  readonly isText: boolean
}

/** Effects that are looked at as a whole when `full` is asked for. */
export type Told = (line: string) => void

/** Numbers that only join a question with its answer; where they come from is nobody's business. */
const unseen = new Set(['id', 'ticket'])
/** What is written for people, by the type of effect or event. */
const textual = new Set(['why', 'message', 'error'])

/** The streams of one world, which are compared with those of an earlier run where there are any. */
export class WorldRecording {
  readonly #streams = new Map<string, Stream>()
  readonly #expected: ReadonlyMap<string, Line> | undefined
  readonly #marks = new Map<string, { readonly marks: Uint16Array; readonly texts: Uint16Array }>()
  readonly differences: Difference[] = []

  constructor(
    readonly name: string,
    expected: ReadonlyMap<string, Line> | undefined,
    readonly tell: Told | undefined,
  ) {
    this.#expected = expected
  }

  /** One input of a machine, and all that came of it. */
  note(
    at: { readonly machine: string; readonly now: number },
    input: Input | undefined,
    effects: readonly Effect[],
  ): void {
    for (const effect of effects) {
      const key = `${at.machine} ${streamOf(effect)}`
      const { facts, texts } = written(effect)
      const stream = this.#stream(key)
      stream.chain = mixed(stream.chain, facts)
      stream.marks.push(stream.chain & 0xffff)
      if (texts !== '') {
        stream.textChain = mixed(stream.textChain, texts)
        stream.texts.push(stream.textChain & 0xffff)
      }
      this.tell?.(`${this.name} | ${at.now} ${key} ${facts} ${texts}`)
      if (this.#expected !== undefined) this.#compare(key, stream, texts !== '', () => story(at, input, facts, texts))
    }
  }

  #stream(key: string): Stream {
    const known = this.#streams.get(key)
    if (known !== undefined) return known
    const stream = { marks: [], chain: 0x811c9dc5, texts: [], textChain: 0x811c9dc5 }
    this.#streams.set(key, stream)
    return stream
  }

  #compare(key: string, { marks, texts }: Stream, hasText: boolean, tell: () => string): void {
    const isKnown = (text: boolean): boolean => this.differences.some(({ isText }) => isText === text)
    const expected = this.#expectedOf(key)
    const last = marks.length - 1
    if (!isKnown(false) && expected.marks[last] !== marks[last]) this.#differ(key, last, tell(), false)
    const lastText = texts.length - 1
    if (hasText && !isKnown(true) && expected.texts[lastText] !== texts[lastText])
      this.#differ(key, lastText, tell(), true)
  }

  #expectedOf(key: string): { readonly marks: Uint16Array; readonly texts: Uint16Array } {
    const known = this.#marks.get(key)
    if (known !== undefined) return known
    const line = this.#expected?.get(key)
    const read = { marks: decoded(line?.marks ?? ''), texts: decoded(line?.texts ?? '') }
    this.#marks.set(key, read)
    return read
  }

  #differ(stream: string, index: number, what: string, isText: boolean): void {
    this.differences.push({ world: this.name, stream, index, what, isText })
  }

  /** The world is over: what was expected and did not come differs, too. */
  end(): void {
    if (this.#expected === undefined || this.differences.some(({ isText }) => !isText)) return
    for (const key of this.#expected.keys()) {
      const { length } = this.#expectedOf(key).marks
      const came = this.#streams.get(key)?.marks.length ?? 0
      if (came < length) return this.#differ(key, came, `${length} effects were expected, ${came} came`, false)
    }
  }

  lines(): Line[] {
    return [...this.#streams].map(([stream, { marks, texts }]) => {
      return { world: this.name, stream, marks: encoded(marks), texts: encoded(texts) }
    })
  }
}

function streamOf(effect: Effect): string {
  switch (effect.type) {
    case 'beat':
    case 'request':
      return `${effect.type} ${effect.to}`
    case 'store':
      return effect.sync ? 'store synced' : 'store'
    case 'notify':
      return `notify ${effect.event.type}`
    default:
      return effect.type
  }
}

/** An effect as text: what programs act on, and what people read. */
function written(effect: Effect): { readonly facts: string; readonly texts: string } {
  let texts = ''
  const facts = JSON.stringify(effect, (key, value: unknown) => {
    if (unseen.has(key) && effect.type !== 'check' && effect.type !== 'notify') return undefined
    if (textual.has(key) && (effect.type === 'notify' || effect.type === 'settle')) {
      texts += typeof value === 'string' ? value : String(value)
      return value instanceof Error && 'code' in value ? value.code : undefined
    }
    return value instanceof Uint8Array ? `${value.length}:${hashOf(value)}` : value
  })
  return { facts, texts }
}

function hashOf(bytes: Uint8Array): string {
  const [a = 0, b = 0] = new Uint32Array(quickHash(bytes).buffer)
  return `${a.toString(36)}${b.toString(36)}`
}

function story(
  at: { readonly machine: string; readonly now: number },
  input: Input | undefined,
  facts: string,
  texts: string,
): string {
  const from =
    input === undefined ? 'its start' : JSON.stringify(input, (_, value: unknown) => short(value)).slice(0, 400)
  return `at ${at.now} ms ${at.machine} answers ${from}\n  with ${facts.slice(0, 2000)} ${texts}`
}

function short(value: unknown): unknown {
  return value instanceof Uint8Array ? `${value.length} bytes` : value
}

/** FNV-1a, which is good enough for what nobody forges. */
function mixed(seed: number, text: string): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}

function encoded(marks: readonly number[]): string {
  return Buffer.from(Uint16Array.from(marks).buffer).toString('base64')
}

function decoded(text: string): Uint16Array {
  const bytes = Buffer.from(text, 'base64')
  return new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/** All worlds of one test, in the order in which they were made. */
export class TestRecording {
  readonly worlds: WorldRecording[] = []
  /** Worlds of which there is no earlier record. */
  unknown = 0

  constructor(
    readonly name: string,
    readonly expected: ReadonlyMap<string, ReadonlyMap<string, Line>> | undefined,
    readonly tell: Told | undefined,
  ) {}

  begin(): WorldRecording {
    const name = `${this.name} #${this.worlds.length}`
    const expected = this.expected?.get(name)
    if (expected === undefined) this.unknown += 1
    const world = new WorldRecording(name, expected, this.tell)
    this.worlds.push(world)
    return world
  }
}

let current: TestRecording | undefined

/** From now on worlds belong to this test; to none where nothing is recorded. */
export function recordInto(test: TestRecording | undefined): void {
  current = test
}

/** The recording of a world that begins now; absent unless somebody asked for it. */
export function recordWorld(): WorldRecording | undefined {
  return current?.begin()
}
