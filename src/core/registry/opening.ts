/**
 * The first moments of a registry: what was on disk is taken up, the generation goes to disk, the join is waited for, and
 * then the journal opens. After that it only passes on new addresses.
 */
import type { Moment } from '../effects.js'
import type { PeerId } from '../model.js'
import { nodeKey, writeNodeRecord } from '../replica/records.js'
import type { Parts } from './assembly.js'
import { holdsAnything, horizon_ms } from './horizon.js'
import { Joining } from './joining.js'
import type { RegistryStart } from './registry.js'

/** How long to wait before a failed write of the generation is tried again. */
const retry_ms = 1000

export class Opening {
  readonly #start: RegistryStart
  readonly #parts: Parts
  #joining: Joining | undefined
  #addresses: readonly string[] | undefined
  /** The write of this start's generation. */
  #storeId = 0
  #isGenerationDurable = false
  #retryAt = Number.POSITIVE_INFINITY

  /** Takes up what is on disk, and begins to join. */
  constructor(start: RegistryStart, parts: Parts, at: Moment) {
    this.#start = start
    this.#parts = parts
    const { desk, intake, roster, checkup } = parts
    const own = intake.restore(start.documents, at)
    desk.journal.setGeneration(Math.max(start.generation + 1, Math.floor(at.wall / 1000)))
    if (own !== undefined) desk.journal.continueFrom(own)
    intake.noteOutlived(desk.journal.keys('instances'))
    this.#storeGeneration()
    const restored = roster.restored(at.now)
    parts.links.refresh(at.now)
    const wasAway = start.lastUp !== undefined && at.wall - start.lastUp > horizon_ms
    this.#joining = new Joining({
      now: at.now,
      crypto: start.crypto,
      self: start.self,
      freshKey: start.freshKey,
      stale: wasAway && holdsAnything(desk.union),
      expected: restored.filter((peer) => parts.links.wants(peer)),
    })
    this.#joining.checking(checkup.checkAll(at.now))
  }

  /** Present until the first head is signed. */
  get joining(): Joining | undefined {
    return this.#joining
  }

  get isOver(): boolean {
    return this.#joining === undefined
  }

  get isStale(): boolean {
    return this.#joining?.isStale ?? false
  }

  /** Nothing is said to anybody before the generation is on disk. */
  get maySpeak(): boolean {
    return this.#isGenerationDurable
  }

  // ---- the generation

  #storeGeneration(): void {
    const { desk } = this.#parts
    this.#storeId = desk.nextId()
    const ops = [{ type: 'generation', generation: desk.journal.generation }] as const
    desk.emit({ type: 'store', id: this.#storeId, sync: true, ops })
  }

  /** @returns whether it was the generation */
  stored(id: number, error: string | undefined, { now }: Moment): boolean {
    if (id !== this.#storeId) return false
    const { desk, exchange } = this.#parts
    if (error === undefined) {
      this.#isGenerationDurable = true
      for (const peer of desk.connected) exchange.sync(peer, now)
    } else {
      this.#retryAt = now + retry_ms
      const message = `the generation cannot be written (${error}); this node stays silent until it can`
      desk.emit({ type: 'notify', event: { type: 'warning', message } })
    }
    return true
  }

  #retry(now: number): void {
    if (now < this.#retryAt) return
    this.#retryAt = Number.POSITIVE_INFINITY
    this.#storeGeneration()
  }

  // ---- the first head

  listening(addresses: readonly string[]): void {
    this.#addresses = addresses
    if (this.#parts.desk.journal.isOpen) this.#writeNode(addresses)
  }

  #writeNode(addresses: readonly string[]): void {
    this.#parts.desk.journal.set('node', nodeKey, writeNodeRecord({ ...this.#start.node, addresses }))
  }

  /** @param settle brings the tables up to date with what was staged */
  tick(connected: ReadonlySet<PeerId>, at: Moment, settle: () => void): void {
    this.#retry(at.now)
    const joining = this.#joining
    if (joining === undefined || this.#addresses === undefined || !this.#isGenerationDurable) return
    // An answer that was lost is asked for again: without one this node waits for ever.
    if (joining.isStale) for (const peer of connected) this.#parts.exchange.reconcile(peer, at.now)
    const end = joining.end(connected, at.now)
    if (end === undefined) return
    this.#joining = undefined
    if (end.content !== undefined && this.#parts.desk.journal.isForeign(end.content.signed.head)) {
      this.#parts.desk.journal.continueFrom(end.content)
      this.#parts.intake.tellGeneration('a peer knew a newer version of this node’s own records')
      this.#parts.checkup.startOver(at.now)
    }
    if (end.blank) this.#goBlank(at)
    this.#parts.checkup.forget(joining.unchecked)
    settle()
    this.#open(this.#addresses, { joining, at, settle })
  }

  #open(
    addresses: readonly string[],
    { joining, at, settle }: { readonly joining: Joining; readonly at: Moment; readonly settle: () => void },
  ): void {
    const { desk, commands, intake, horizon, counter, exchange } = this.#parts
    this.#writeNode(addresses)
    const fences = [horizon.fence(desk.self), ...joining.fences]
    for (const fence of fences) intake.noteFencedWhileOff(fence)
    desk.journal.open()
    commands.dropAllBeaten()
    intake.save(at)
    for (const fence of fences) intake.noteFenced(fence, at)
    counter.serveWaiting(settle)
    for (const peer of desk.connected) exchange.sync(peer, at.now)
  }

  /** Our content is from before the horizon: others may have forgotten why it went. */
  #goBlank(at: Moment): void {
    const { desk, intake } = this.#parts
    for (const owner of [...desk.replica.owners()]) intake.drop(owner, at)
    intake.saveNothing()
    for (const map of ['instances', 'definitions', 'removals', 'fences'] as const) {
      for (const key of desk.journal.keys(map)) desk.journal.set(map, key, undefined)
    }
    const message = 'this node was off for over 30 days: it dropped its old records and takes the cluster’s'
    desk.emit({ type: 'notify', event: { type: 'warning', message } })
  }
}
