// What one daemon has acknowledged: which ids must be listed everywhere, which must not, and of which nobody knows.
import type { RunningDaemon } from '../../test/daemon/cluster.js'

/** `either`: it was asked for, and whoever asked was not told what came of it. */
type Known = 'shown' | 'gone' | 'either'

export class Ledger {
  readonly #instances = new Map<string, Known>()
  readonly #definitions = new Map<string, Known>()
  registered = 0
  removed = 0
  defined = 0
  unknown = 0

  async register(id: string, daemon: RunningDaemon): Promise<void> {
    const asked = daemon.register({ id, slug: 'kept', url: `http://127.0.0.1:9/${id}`, check: 'none' })
    if (await this.#note(this.#instances, id, 'shown', asked)) this.registered += 1
  }

  async remove(id: string, daemon: RunningDaemon): Promise<void> {
    if (await this.#note(this.#instances, id, 'gone', daemon.deregister(id))) this.removed += 1
  }

  async define(id: string, daemon: RunningDaemon): Promise<void> {
    if (await this.#note(this.#definitions, id, 'shown', daemon.saveDefinition({ id, image: 'x' }))) this.defined += 1
  }

  /** @returns whether it was acknowledged */
  async #note(known: Map<string, Known>, id: string, after: Known, asked: Promise<unknown>): Promise<boolean> {
    known.set(id, 'either')
    try {
      await asked
    } catch {
      this.unknown += 1
      return false
    }
    known.set(id, after)
    return true
  }

  /** @returns what a daemon shows and must not, or does not and must; what changes meanwhile is left out */
  async audit(daemon: RunningDaemon): Promise<string[]> {
    const [instances, definitions] = [new Map(this.#instances), new Map(this.#definitions)]
    const listed = new Set((await daemon.instances()).map(({ id }) => id))
    const defined = new Set((await daemon.definitions()).map(({ id }) => id))
    return [
      ...differences('instance', instances, this.#instances, listed),
      ...differences('definition', definitions, this.#definitions, defined),
    ]
  }
}

function differences(
  what: string,
  before: ReadonlyMap<string, Known>,
  after: ReadonlyMap<string, Known>,
  listed: ReadonlySet<string>,
): string[] {
  const wrong: string[] = []
  for (const [id, known] of before) {
    if (known !== after.get(id)) continue
    if (known === 'shown' && !listed.has(id)) wrong.push(`${what} ${id} was acknowledged, and is lost`)
    if (known === 'gone' && listed.has(id)) wrong.push(`${what} ${id} was removed, and is back`)
  }
  return wrong
}
