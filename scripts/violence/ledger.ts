// What callers were acknowledged: which ids must be listed everywhere, with which status, which must not, and of which nobody knows.
import type { RunningDaemon } from '../../test/daemon/cluster.js'

/** `either`: it was asked for, and whoever asked was not told what came of it. */
type Known = 'shown' | 'gone' | 'either'

/** What a program has said of itself stands for at least so long where its daemon starts again meanwhile. */
const stands_ms = 30_000

export class Ledger {
  readonly #instances = new Map<string, Known>()
  readonly #definitions = new Map<string, Known>()
  /** The last one of each, and when it was acknowledged; none where nobody knows. */
  readonly #statuses = new Map<string, { readonly status: string; readonly at: number }>()
  /** How often callers were not acknowledged something, by what they were told instead. */
  readonly refusals = new Map<string, number>()
  registered = 0
  removed = 0
  reported = 0
  defined = 0
  unknown = 0

  /** @returns whether it was acknowledged, here and below */
  async register(id: string, daemon: RunningDaemon, check = 'none'): Promise<boolean> {
    const asked = daemon.register({ id, slug: 'kept', url: `http://127.0.0.1:9/${id}`, check })
    const isDone = await this.#note(this.#instances, id, 'shown', asked)
    if (isDone) this.registered += 1
    return isDone
  }

  async remove(id: string, daemon: RunningDaemon): Promise<boolean> {
    this.#statuses.delete(id)
    const isDone = await this.#note(this.#instances, id, 'gone', daemon.deregister(id))
    if (isDone) this.removed += 1
    return isDone
  }

  /** A status that the program of one with the check `reported` reports: no better one than before, since that has to last before it counts. */
  async report(id: string, status: string, daemon: RunningDaemon): Promise<boolean> {
    this.#statuses.delete(id)
    const isDone = await this.#isAcknowledged(daemon.report(id, status))
    if (!isDone) return false
    this.#statuses.set(id, { status, at: performance.now() })
    this.reported += 1
    return true
  }

  async define(id: string, daemon: RunningDaemon): Promise<boolean> {
    const asked = daemon.saveDefinition({ id, image: 'x' })
    const isDone = await this.#note(this.#definitions, id, 'shown', asked)
    if (isDone) this.defined += 1
    return isDone
  }

  async #note(known: Map<string, Known>, id: string, after: Known, asked: Promise<unknown>): Promise<boolean> {
    known.set(id, 'either')
    const isDone = await this.#isAcknowledged(asked)
    if (isDone) known.set(id, after)
    return isDone
  }

  async #isAcknowledged(asked: Promise<unknown>): Promise<boolean> {
    try {
      await asked
      return true
    } catch (error) {
      this.unknown += 1
      const why = / (\d{3}) /.exec(String(error))?.[1] ?? 'no answer'
      this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1)
      return false
    }
  }

  /** @returns what a daemon shows and must not, or does not and must; what changes meanwhile is left out */
  async audit(daemon: RunningDaemon): Promise<string[]> {
    const [instances, definitions] = [new Map(this.#instances), new Map(this.#definitions)]
    const statuses = new Map(this.#statuses)
    const statusById = new Map((await daemon.instances()).map(({ id, status }) => [id, status]))
    const defined = new Set((await daemon.definitions()).map(({ id }) => id))
    return [
      ...differences('instance', instances, this.#instances, new Set(statusById.keys())),
      ...differences('definition', definitions, this.#definitions, defined),
      ...[...statuses].flatMap(([id, said]) => {
        const shown = statusById.get(id)
        const isSure = said === this.#statuses.get(id) && performance.now() - said.at < stands_ms
        return isSure && shown !== undefined && shown !== said.status
          ? [`instance ${id} is ${shown}, and ${said.status} was acknowledged`]
          : []
      }),
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
