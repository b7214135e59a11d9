/**
 * Shows how the answer of a daemon to one question moves: in place on a terminal, else whenever it changed. A daemon that goes
 * away is waited for.
 */
import { isUnreachable } from '../client.js'
import { RegistryError } from '../core/model/errors.js'
import { jsonOf } from './command.js'
import { formatAge, plain } from './format.js'
import { unlessAborted } from './interrupt.js'
import { shorten, type Look } from './table.js'

/** Where it is shown. */
export interface Terminal {
  /** Draws over what was drawn before; else one text follows the other. */
  readonly inPlace: boolean
  readonly look: () => Look
  readonly height: () => number
  write(text: string): void
  /** Beside the output, where the output is for programs. */
  complain(text: string): void
}

export interface Following<Answer> {
  readonly ask: () => Promise<Answer>
  /** For people, or one line of JSON. */
  readonly show: (answer: Answer, look: Look) => string
  readonly json: boolean
  readonly interval_ms: number
  readonly screen: Terminal
  readonly signal: AbortSignal
  /** Resolves after so long, or when the signal comes. */
  readonly pause: (duration_ms: number, signal: AbortSignal) => Promise<void>
  /** Milliseconds, of any beginning. */
  readonly now: () => number
}

/** Ends with the signal. @throws what is wrong with the very first question, unless waiting may mend it */
export async function follow<Answer>(following: Following<Answer>): Promise<void> {
  const view = following.screen.inPlace && !following.json ? new Frames(following) : new Lines(following)
  try {
    for (let round = 0; !following.signal.aborted; round += 1) {
      await look(following, view, round === 0)
      await following.pause(following.interval_ms, following.signal)
    }
  } finally {
    view.end()
  }
}

async function look<Answer>(following: Following<Answer>, view: View<Answer>, isFirst: boolean): Promise<void> {
  let answer: Answer
  try {
    answer = await unlessAborted(following.ask(), following.signal)
  } catch (error) {
    if (following.signal.aborted) return
    if (!(error instanceof RegistryError) || (isFirst && !isPassing(error))) throw error
    return view.failed(error)
  }
  view.answered(answer)
}

/** What is not there yet may come; a wrong address or question stays wrong. */
function isPassing(error: RegistryError): boolean {
  return error.code === 'not-found' || (error.code === 'unavailable' && !isUnreachable(error))
}

interface View<Answer> {
  answered(answer: Answer): void
  failed(error: RegistryError): void
  end(): void
}

const enterScreen = '\u001b[?1049h\u001b[?25l'
const leaveScreen = '\u001b[?25h\u001b[?1049l'
const home = '\u001b[H'
const clearRest = '\u001b[K'
const clearBelow = '\u001b[J'
/** Terminals that know these show a frame at once; others ignore them. */
const beginFrame = '\u001b[?2026h'
const endFrame = '\u001b[?2026l'

/** Draws over itself on the terminal's other screen, and leaves the last frame on the ordinary one. */
class Frames<Answer> implements View<Answer> {
  readonly #following: Following<Answer>
  #body: string | undefined
  #failure: { readonly text: string; readonly since: number } | undefined
  #hasEntered = false

  constructor(following: Following<Answer>) {
    this.#following = following
  }

  answered(answer: Answer): void {
    const { screen, show } = this.#following
    this.#failure = undefined
    this.#body = show(answer, screen.look())
    this.#draw()
  }

  failed(error: RegistryError): void {
    this.#failure = { text: plain(error.message), since: this.#failure?.since ?? this.#following.now() }
    this.#draw()
  }

  end(): void {
    if (!this.#hasEntered) return
    this.#following.screen.write(`${leaveScreen}${this.#lines().join('\n')}\n`)
  }

  #draw(): void {
    const { screen } = this.#following
    const height = Math.max(2, screen.height())
    const lines = this.#lines()
    const more = lines.length - (height - 2)
    const shown = more > 1 ? [...lines.slice(0, height - 2), `… ${more} lines more`] : lines
    const frame = [this.#status(), ...shown].map((line) => line + clearRest).join('\r\n')
    screen.write(`${this.#hasEntered ? '' : enterScreen}${beginFrame}${home}${frame}${clearBelow}${endFrame}`)
    this.#hasEntered = true
  }

  #lines(): string[] {
    return (this.#body ?? '').split('\n')
  }

  #status(): string {
    const { screen, interval_ms, now } = this.#following
    const { paint, width = Infinity } = screen.look()
    if (this.#failure === undefined) return paint('dim', `every ${interval_ms / 1000} s · Ctrl-C ends`)
    const { text, since } = this.#failure
    return paint('bad', shorten(`for ${formatAge(now() - since)!}: ${text}`, width))
  }
}

/** One text after the other, each time that more than ages and figures has changed. */
class Lines<Answer> implements View<Answer> {
  readonly #following: Following<Answer>
  #last: string | undefined
  #failure: string | undefined

  constructor(following: Following<Answer>) {
    this.#following = following
  }

  answered(answer: Answer): void {
    const { screen, show, json } = this.#following
    if (this.#failure !== undefined) screen.complain('rollcall: the daemon answers again')
    this.#failure = undefined
    const essence = JSON.stringify(answer, (key, value: unknown) => (isFigure(key, value) ? undefined : value))
    if (essence === this.#last) return
    const text = json ? jsonOf(answer) : `${this.#last === undefined ? '' : '\n'}${show(answer, screen.look())}`
    this.#last = essence
    screen.write(`${text}\n`)
  }

  failed(error: RegistryError): void {
    const text = plain(error.message)
    if (text !== this.#failure) this.#following.screen.complain(`rollcall: ${text}; trying again`)
    this.#failure = text
    // An answer that is given no more is news when it comes back, be it the same.
    this.#last = undefined
  }

  end(): void {
    // Nothing to put back.
  }
}

/** What moves although nothing happens; and `picked` goes round by being asked. The `state` of a daemon is figures, that of a member a word. */
function isFigure(key: string, value: unknown): boolean {
  if (key === 'state') return typeof value === 'object'
  return /_ms$|^(lastHeartbeat|heartbeats|load|usage|gpus|room|picked|dropped)$/.test(key)
}
