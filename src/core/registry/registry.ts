/**
 * One daemon's mind: told what happened and what time it is, it answers with effects, and with reads of local memory.
 * It joins the parts; every rule lives in one of them.
 */
import type { Command, Crypto, Effect, Input, Moment, StoredDocument } from '../effects.js'
import { assert } from '../errors.js'
import { Index } from '../lookup.js'
import { Membership } from '../membership/membership.js'
import { type NodeRecord, type PeerId, readInstanceRecord } from '../model.js'
import { nodeKey, writeNodeRecord } from '../replica/records.js'
import { Replica } from '../replica/replica.js'
import { Union } from '../replica/union.js'
import type { Readiness } from '../views.js'
import { decodeSyncRequest } from '../wire/sync.js'
import { decodeGossip } from '../wire/gossip.js'
import { Checkup } from './checkup.js'
import { Commands } from './commands.js'
import { Counter } from './counter.js'
import type { Desk } from './desk.js'
import { Exchange } from './exchange.js'
import { Horizon, type HorizonNotes, holdsAnything, horizon_ms } from './horizon.js'
import { Intake } from './intake.js'
import { Joining } from './joining.js'
import { Journal } from './journal.js'
import { Pulse } from './pulse.js'
import { Reading } from './reading.js'
import { Roster } from './roster.js'

/** How often the registry looks at the clock. */
const tick_ms = 100
/** What a registry begins with. */
export interface RegistryStart {
  readonly self: PeerId
  /** 64 random bits of this start, as 16 hex digits. */
  readonly boot: string
  readonly crypto: Crypto
  readonly node: Omit<NodeRecord, 'addresses'>
  /** The key was made in this very start: nobody can know a head of ours. */
  readonly freshKey: boolean
  /** The generation on disk; 0 for none. */
  readonly generation: number
  readonly documents: readonly StoredDocument[]
  readonly notes: HorizonNotes
  /** When this daemon was last known to be up, unix milliseconds. */
  readonly lastUp?: number
}

export class Registry {
  readonly #start: RegistryStart
  readonly #desk: Desk
  readonly #connected = new Set<PeerId>()
  readonly #union = new Union()
  readonly #membership: Membership
  readonly #replica: Replica
  readonly #journal: Journal
  readonly #index: Index
  readonly #horizon: Horizon
  readonly #exchange: Exchange
  readonly #intake: Intake
  readonly #commands: Commands
  readonly #checkup: Checkup
  readonly #pulse: Pulse
  readonly #roster: Roster
  readonly #counter: Counter
  /** All reads of the registry. None waits, none changes anything. */
  readonly read: Reading
  readonly #dropped = new Map<string, number>()
  #joining: Joining | undefined
  #mutedBecause: string | undefined
  #addresses: readonly string[] | undefined
  #effects: Effect[] = []
  #lastId = 0
  #at: Moment
  #tickAt: number
  /** The write of this start's generation; nothing is signed before it is on disk. */
  #bootStore = 0
  #isGenerationDurable = false
  #isReady = false
  #whenSettled: (() => void)[] = []

  constructor(start: RegistryStart, at: Moment) {
    this.#start = start
    this.#at = at
    this.#tickAt = at.now + tick_ms
    const { self, crypto, boot } = start
    const emit = (effect: Effect): void => this.#emit(effect)
    const nextId = (): number => (this.#lastId += 1)
    const drop = (reason: string): void => void this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1)
    this.#membership = new Membership(self, crypto.hash)
    this.#replica = new Replica(crypto, (owner) => this.#horizon.fencedUpTo(owner))
    this.#journal = new Journal({
      self,
      boot,
      crypto,
      emit,
      nextId,
      follow: (change) => this.#intake.follow(self, [change]),
    })
    this.#desk = {
      self,
      crypto,
      union: this.#union,
      replica: this.#replica,
      membership: this.#membership,
      journal: this.#journal,
      connected: this.#connected,
      emit,
      nextId,
      drop,
    }
    this.#roster = new Roster(this.#desk, () => this.#index, at.now)
    const firstTurn = crypto.hash(new TextEncoder().encode(self))[0] as number
    this.#index = new Index(this.#union, this.#roster, (event) => this.#emit({ type: 'notify', event }), firstTurn)
    this.#horizon = new Horizon(this.#desk, start.notes, at.wall)
    this.#commands = new Commands(this.#desk, this.#index)
    this.#checkup = new Checkup(this.#desk)
    this.#pulse = new Pulse(this.#desk)
    this.#intake = new Intake({
      desk: this.#desk,
      horizon: this.#horizon,
      commands: this.#commands,
      exchange: () => this.#exchange,
      joining: () => this.#joining,
      boot,
    })
    this.#exchange = new Exchange(this.#desk, {
      take: (parcel, via) => this.#intake.take(parcel, via, this.#at),
      compared: (peer, witness, now) => this.#joining?.answered(peer, witness, now),
      witness: (peer) => this.#horizon.witness(peer, this.#isStale, this.#at.wall),
      isStale: () => this.#isStale,
      whenSettled: (run) => void this.#whenSettled.push(run),
    })
    this.#counter = new Counter({
      desk: this.#desk,
      commands: this.#commands,
      checkup: this.#checkup,
      exchange: this.#exchange,
      horizon: this.#horizon,
      at: () => this.#at,
    })
    this.read = new Reading({
      desk: this.#desk,
      index: this.#index,
      isInDoubt: () => this.#roster.isInDoubt,
      exchangeWith: (peer, now) => this.#pulse.view(peer, this.#exchange.peer(peer), now),
      vitalsOf: (owner) => this.#pulse.vitalsOf(owner),
      ownLoad: () => this.#pulse.load,
      startedAt: at.now,
    })
    this.#restore(at)
  }

  /** Takes what is on disk, and begins to join. */
  #restore(at: Moment): void {
    const start = this.#start
    const own = this.#intake.restore(start.documents, at)
    const generation = Math.max(start.generation + 1, Math.floor(at.wall / 1000))
    this.#journal.setGeneration(generation)
    if (own !== undefined) this.#journal.continueFrom(own)
    const ops = [{ type: 'generation', generation: this.#journal.generation }] as const
    this.#bootStore = this.#desk.nextId()
    this.#emit({ type: 'store', id: this.#bootStore, sync: true, ops })
    const away = start.lastUp !== undefined && at.wall - start.lastUp > horizon_ms
    this.#joining = new Joining({
      now: at.now,
      crypto: start.crypto,
      self: start.self,
      freshKey: start.freshKey,
      stale: away && holdsAnything(this.#union),
      expected: this.#roster.restored(at.now),
    })
    this.#joining.checking(this.#checkup.checkAll(at.now))
    this.#settleTouched()
  }
  /** The effects of the construction itself; then call `handle` for all that happens. */
  begin(): Effect[] {
    return this.#takeEffects()
  }

  /** When to be given a `wake` at the latest, on the clock of `Moment.now`. */
  get wakeAt(): number {
    return Math.min(this.#tickAt, this.#journal.wakeAt)
  }

  handle(input: Input, at: Moment): Effect[] {
    this.#at = at
    this.#dispatch(input)
    this.#settle()
    return this.#takeEffects()
  }

  #dispatch(input: Input): void {
    const { now } = this.#at
    switch (input.type) {
      case 'wake':
        return this.#wake()
      case 'listening':
        return this.#onListening(input.addresses)
      case 'connected':
        return this.#onConnected(input.peer)
      case 'disconnected':
        return this.#onDisconnected(input.peer)
      case 'refused':
        this.#membership.refuse(input.peer)
        this.#joining?.refused(input.peer)
        return this.#judgeMembers(0)
      case 'gossip':
        return this.#onGossip(input.author, input.bytes)
      case 'beat':
        return this.#onBeat(input.from, input.bytes)
      case 'request':
        return this.#onRequest(input.from, input.id, input.bytes)
      case 'response':
        return this.#exchange.response(input.id, input.bytes, now)
      case 'closed':
        return this.#exchange.closed(input.id, now)
      case 'stored':
        return this.#onStored(input.id, input.error)
      case 'checked':
        this.#joining?.checked(input.id)
        return this.#checkup.checked(input.id, input.n, input.result)
      case 'vitals':
        return this.#pulse.setVitals(input.load, input.vitals)
      case 'command':
        return this.#onCommand(input.ticket, input.command)
    }
  }

  // ---- connections

  #onListening(addresses: readonly string[]): void {
    this.#addresses = addresses
    if (this.#journal.isOpen) this.#writeNode(addresses)
  }

  #writeNode(addresses: readonly string[]): void {
    this.#journal.set('node', nodeKey, writeNodeRecord({ ...this.#start.node, addresses }))
  }

  #onConnected(peer: PeerId): void {
    this.#connected.add(peer)
    this.#pulse.connected(peer, this.#at.now)
    if (this.#joining !== undefined || this.#start.self < peer) this.#exchange.sync(peer)
  }

  /** A connection that breaks is a reason to look at once: a refused dial tells a crash from a broken line. */
  #onDisconnected(peer: PeerId): void {
    this.#connected.delete(peer)
    this.#pulse.disconnected(peer)
    this.#exchange.disconnected(peer)
    const member = this.#membership.member(peer)
    if (member !== undefined && !member.left) this.#emit({ type: 'dial', peer })
  }

  // ---- messages

  #onGossip(author: PeerId, bytes: Uint8Array): void {
    const message = decodeGossip(bytes)
    if (message === undefined) return this.#desk.drop('unreadable gossip')
    if (message.type === 'report') {
      if (!this.#membership.report(author, message, this.#at.now))
        return this.#desk.drop('report by or about nobody known')
      return this.#judgeMembers(0)
    }
    const { signed, step } = message
    if (step !== undefined) return this.#intake.take({ signed, content: { type: 'step', ...step } }, author, this.#at)
    const held = this.#replica.head(signed.head.owner)
    const isNews = held === undefined || held.generation < signed.head.generation || held.version < signed.head.version
    if (isNews && signed.head.owner !== this.#start.self) this.#exchange.pull(signed.head.owner, author)
  }

  #onBeat(from: PeerId, bytes: Uint8Array): void {
    const { now, wall } = this.#at
    const heard = this.#pulse.hear(from, bytes, now)
    if (heard === undefined) return
    this.#horizon.heard(from, wall)
    if (heard.hearing === 'news') this.#exchange.pull(from, from)
    if (heard.inStep !== undefined && this.#joining === undefined) {
      this.#exchange.compareDigest(from, heard.inStep, now)
    }
    this.#roster.refresh()
  }

  #onRequest(from: PeerId, id: number, bytes: Uint8Array): void {
    const request = decodeSyncRequest(bytes)
    const reply = (answer: Uint8Array, last: boolean): void => this.#emit({ type: 'reply', id, bytes: answer, last })
    if (request === undefined) {
      this.#desk.drop('unreadable request')
      return reply(new Uint8Array(), true)
    }
    if (request.type !== 'remove') return this.#exchange.answer(from, request, reply, this.#at.now)
    const { self } = this.#start
    const record = this.#ownRecord(request.id)
    if (record === undefined || record.n > request.n || !this.#journal.isOpen) {
      return this.#exchange.answerRemoval(from, request.holding, reply)
    }
    assert(self !== from, 'nobody asks itself')
    this.#commands.dropOwn(request.id, record.n, this.#at.wall)
    this.#journal.whenDurable((error) => {
      if (error === undefined) this.#exchange.answerRemoval(from, request.holding, reply)
      else reply(new Uint8Array(), true)
    })
  }

  #ownRecord(id: string): { readonly n: number } | undefined {
    const json = this.#journal.get('instances', id)
    return json === undefined ? undefined : readInstanceRecord(id, json)
  }

  // ---- time

  #wake(): void {
    const { now, wall } = this.#at
    if (now < this.#tickAt) return
    const late_ms = now - this.#tickAt
    this.#tickAt = now + tick_ms
    this.#journal.retry(now)
    this.#exchange.tick(now)
    if (this.#joining !== undefined) this.#tryOpen(this.#joining)
    this.#judgeMembers(late_ms)
    this.#pulse.tick(now)
    if (this.#journal.isOpen) this.#checkup.tick(now)
    if (!this.#isStale) this.#horizon.tick(wall, now, false)
    this.#roster.tick(now)
  }

  #judgeMembers(late_ms: number): void {
    const { reports, refute } = this.#roster.judge(this.#at.now, late_ms)
    if (this.#isReady) for (const report of reports) this.#emit(this.#pulse.report(report))
    if (!refute || !this.#journal.isOpen) return
    this.#journal.raiseIncarnation()
    this.#emit({ type: 'notify', event: { type: 'refuted', incarnation: this.#journal.incarnation } })
  }

  // ---- joining

  get #isStale(): boolean {
    return this.#joining?.isStale ?? false
  }

  #tryOpen(joining: Joining): void {
    const addresses = this.#addresses
    const end = this.#isGenerationDurable ? joining.end(this.#connected, this.#at.now) : undefined
    if (end === undefined || addresses === undefined) return
    this.#joining = undefined
    if (end.content !== undefined && this.#journal.isForeign(end.content.signed.head)) {
      this.#journal.continueFrom(end.content)
      const why = 'a peer knew a newer version of this node’s own records'
      this.#emit({ type: 'notify', event: { type: 'generation', generation: this.#journal.generation, why } })
    }
    if (end.blank) this.#goBlank()
    this.#checkup.forget(joining.unchecked)
    this.#settleTouched()
    this.#writeNode(addresses)
    this.#journal.open()
    this.#survivedFences()
    this.#counter.serveWaiting()
    for (const peer of this.#connected) this.#exchange.sync(peer)
  }

  /** Fences that came while we joined. */
  #survivedFences(): void {
    this.#intake.applyFences([this.#start.self], this.#at)
  }

  /** Our content is from before the horizon: others may have forgotten why it went. */
  #goBlank(): void {
    for (const owner of [...this.#replica.owners()]) this.#intake.drop(owner)
    for (const map of ['instances', 'definitions', 'removals', 'fences'] as const) {
      for (const key of this.#journal.keys(map)) this.#journal.set(map, key, undefined)
    }
    const message = 'this node was off for over 30 days: it dropped its old records and takes the cluster’s'
    this.#emit({ type: 'notify', event: { type: 'warning', message } })
  }

  #onStored(id: number, error: string | undefined): void {
    if (id === this.#bootStore) {
      this.#isGenerationDurable = error === undefined
      if (error !== undefined) {
        const message = `the generation cannot be written (${error}); this node stays silent`
        this.#emit({ type: 'notify', event: { type: 'warning', message } })
      }
      return
    }
    const isOwn = this.#journal.stored(id, error, this.#at.now)
    if (!isOwn && error !== undefined) this.#replica.distrustDisk()
    if (!isOwn || error !== undefined) return
    this.#pulse.ownHeadChanged(this.#at.now)
    this.#membership.setSelf(this.#journal.generation, this.#journal.incarnation)
    if (this.#isReady) return
    this.#isReady = true
    this.#emit({ type: 'notify', event: { type: 'ready' } })
    this.#journal.publish(this.#at.now, true)
    this.#pulse.beatAll(this.#at.now)
  }

  // ---- commands

  #onCommand(ticket: number, command: Command): void {
    if (this.#mutedBecause !== undefined) return this.#counter.refuse(ticket, this.#mutedBecause)
    if (this.#journal.failing)
      return this.#counter.refuse(ticket, `the disk refuses writes (${this.#journal.diskError})`)
    if (this.#joining === undefined) return this.#counter.serve(ticket, command)
    if (this.#joining.isStale) return this.#counter.refuse(ticket, this.#joining.reason)
    this.#counter.keep(ticket, command, this.#joining.reason)
  }

  // ---- after each input

  /** Brings everything that follows up to date, then sends to disk and to others what is due. */
  #settle(): void {
    this.#settleTouched()
    this.#intake.adoptForeign(this.#at)
    this.#settleTouched()
    if (!this.#journal.busy) {
      const runs = this.#whenSettled
      this.#whenSettled = []
      for (const run of runs) run()
    }
    this.#journal.publish(this.#at.now)
    this.#journal.commit(this.#at.now)
  }

  /** Entries changed: drop what of ours is beaten, apply fences, refresh the index; until nothing more follows. */
  #settleTouched(): void {
    for (;;) {
      const { instances, definitions, fenced, nodes } = this.#intake.takeTouched()
      if (instances.size + definitions.size + fenced.size + nodes.size === 0) return
      if (this.#journal.isOpen) this.#commands.dropBeaten(instances, definitions)
      this.#intake.applyFences(fenced, this.#at)
      for (const id of instances) this.#index.refresh(id)
      for (const owner of nodes) this.#learn(owner)
      this.#roster.refresh()
    }
  }

  #learn(owner: PeerId): void {
    const node = this.#union.node(owner)
    if (owner !== this.#start.self && node !== undefined) {
      this.#emit({ type: 'learn', peer: owner, addresses: node.addresses })
    }
  }

  #emit(effect: Effect): void {
    if (effect.type === 'notify' && effect.event.type === 'muted') this.#mutedBecause = effect.event.why
    this.#effects.push(effect)
  }

  #takeEffects(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  readiness(): Readiness {
    const reasons: string[] = []
    if (this.#mutedBecause !== undefined) reasons.push(this.#mutedBecause)
    if (this.#joining !== undefined) reasons.push(this.#joining.reason)
    else if (!this.#isReady) reasons.push('the first version of this node’s own records is not on disk yet')
    if (this.#journal.failing) reasons.push(`the disk refuses writes: ${this.#journal.diskError}`)
    return { ready: reasons.length === 0, reasons }
  }

  get generation(): number {
    return this.#journal.generation
  }

  /** What was dropped, by reason. */
  dropped(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#dropped)
  }
}
