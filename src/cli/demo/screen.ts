/**
 * What a demonstration shows: sentences that stay, and below them, on a terminal, a table that is drawn anew in its place.
 * Elsewhere the sentences alone, so that a log of it can be read.
 */
import { stripVTControlCharacters, styleText } from 'node:util'

export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red'

export class Screen {
  readonly #output: Output
  #table: readonly string[] = []
  #drawn = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** Somebody is watching, as opposed to a file. */
  get isLive(): boolean {
    return this.#output.isTTY === true
  }

  styled(style: Style, text: string): string {
    const isPlain = !this.isLive || (process.env['NO_COLOR'] ?? '') !== ''
    return isPlain ? text : styleText(style, text, { validateStream: false })
  }

  say(sentence = ''): void {
    this.#output.write(`${this.#erased()}${sentence}\n`)
    this.#draw()
  }

  /** Replaces the table; nothing where nobody is watching. */
  show(lines: readonly string[]): void {
    if (!this.isLive || lines.join() === this.#table.join()) return
    this.#table = lines
    this.#output.write(this.#erased())
    this.#draw()
  }

  /** Leaves the table as it is, or takes it away, for good. */
  release(keep: boolean): void {
    if (!keep) this.#output.write(this.#erased())
    this.#table = []
    this.#drawn = 0
  }

  #draw(): void {
    if (this.#table.length === 0) return
    const width = this.#output.columns ?? 80
    const lines = [
      '',
      ...this.#table.map((line) =>
        visibleLength(line) < width ? line : stripVTControlCharacters(line).slice(0, width - 1),
      ),
    ]
    this.#output.write(lines.map((line) => `${line}\n`).join(''))
    this.#drawn = lines.length
  }

  /** What takes the drawn table away. */
  #erased(): string {
    const rows = this.#drawn
    this.#drawn = 0
    return rows === 0 ? '' : `\u001b[${rows}A\u001b[0J`
  }
}

function visibleLength(line: string): number {
  return stripVTControlCharacters(line).length
}
