/**
 * Where a demonstration is shown: sentences that stay, above a table that is drawn anew in its place. In a file the sentences
 * stand alone, so that a log of it can be read.
 */
import { stripVTControlCharacters } from 'node:util'
import { createPaint, wantsColour, type Paint } from '../paint.js'
import { wrapLines } from '../paragraph.js'

export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export class Screen {
  readonly paint: Paint
  readonly #output: Output
  #table: readonly string[] = []
  #drawn = 0

  constructor(output: Output) {
    this.#output = output
    this.paint = createPaint(wantsColour(process.env, this.isLive))
  }

  /** Somebody is watching, as opposed to a file. */
  get isLive(): boolean {
    return this.#output.isTTY === true
  }

  say(sentence = ''): void {
    this.#output.write(`${this.#erased()}${wrapLines([sentence], this.#width)}\n`)
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
    const width = this.#width ?? 80
    const lines = [
      '',
      ...this.#table.map((line) =>
        visibleLength(line) < width ? line : stripVTControlCharacters(line).slice(0, width - 1),
      ),
    ]
    this.#output.write(lines.map((line) => `${line}\n`).join(''))
    this.#drawn = lines.length
  }

  /** Some terminals say that they have no columns, and mean that they do not know. */
  get #width(): number | undefined {
    const { columns = 0 } = this.#output
    return columns === 0 ? undefined : columns
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
