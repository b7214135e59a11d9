// What happened in a world, as lines to be read; written out only when somebody reads them.
import type { RegistryEvent } from '../../src/core/effects.js'

interface Line {
  readonly at: number
  readonly who: string
  readonly what: string | RegistryEvent
}

export class Trace {
  readonly #lines: Line[] = []

  add(line: Line): void {
    this.#lines.push(line)
  }

  lines(): string[] {
    return this.#lines.map(written)
  }

  last(count: number): string[] {
    return this.#lines.slice(-count).map(written)
  }
}

function written({ at, who, what }: Line): string {
  const seconds = (at / 1000).toFixed(3).padStart(9)
  return `${seconds} ${who} ${typeof what === 'string' ? what : JSON.stringify(what)}`
}
