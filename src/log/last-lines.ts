/**
 * The last lines of a log, kept in memory for whoever asks what happened just before: bounded, oldest out first.
 */

/** A daemon at rest says some lines an hour, one in trouble some a second: the last minutes of trouble at least. */
export const lastLinesLimits = { lines: 500, characters: 256 * 1024, ofOneLine: 8 * 1024 } as const

export class LastLines {
  readonly #lines: string[] = []
  #characters = 0

  /** @param line with or without its end; what is too long of it is cut */
  note(line: string): void {
    const kept = line.trimEnd().slice(0, lastLinesLimits.ofOneLine)
    this.#lines.push(kept)
    this.#characters += kept.length
    while (this.#lines.length > lastLinesLimits.lines || this.#characters > lastLinesLimits.characters)
      this.#characters -= (this.#lines.shift() as string).length
  }

  /** Oldest first. */
  read(): readonly string[] {
    return [...this.#lines]
  }
}
