/**
 * One daemon's mind: told what happened and what time it is, it answers with effects, and with reads of local memory.
 * It joins the parts; every rule lives in one of them.
 */
import type { Command, Crypto, Effect, Input, Moment, StoredDocument } from '../effects.js'
import { ownLateness_ms } from '../membership/formulas.js'
import type { Membership } from '../membership/membership.js'
import type { Verdict } from '../membership/verdict.js'
import { type NodeRecord, type PeerId, readInstanceRecord } from '../model.js'
import type { Readiness } from '../views.js'
import { isUntouched } from '../replica/union.js'
import { decodeSyncRequest } from '../wire/sync.js'
import { decodeGossip } from '../wire/gossip.js'
import { compareHeads, verifyHead } from '../wire/head.js'
import { type Parts, assemble } from './assembly.js'
import type { HorizonNotes } from './horizon.js'
import type { Journal } from './journal.js'
import { Opening } from './opening.js'
import type { Reading } from './reading.js'

/** How often the registry looks at the clock. */
const tick_ms = 100
/** Answers that may wait for the commit on its way; beyond it they go without the own document. */
const settledLimit = 256

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
  readonly #parts: Parts
  readonly #connected = new Set<PeerId>()
  readonly #opening: Opening
  #mutedBecause: string | undefined
  #effects: Effect[] = []
  #at: Moment
  #tickAt: number
  #isReady = false
  #whenSettled: (() => void)[] = []

  constructor(start: RegistryStart, at: Moment) {
    this.#start = start
    this.#at = at
    this.#tickAt = at.now + tick_ms
    this.#parts = assemble(start, {
      at: () => this.#at,
      emit: (effect) => this.#emit(effect),
      connected: this.#connected,
      joining: () => this.#opening?.joining,
      whenSettled: (run) => void this.#whenSettled.push(run),
    })
    this.#opening = new Opening(start, this.#parts, at)
    this.#settleTouched()
  }

  get #journal(): Journal {
    return this.#parts.desk.journal
  }

  get #membership(): Membership {
    return this.#parts.desk.membership
  }

  /** All reads of the registry. None waits, none changes anything. */
  get read(): Reading {
    return this.#parts.reading
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
    if (at.now - this.#tickAt > ownLateness_ms) this.#membership.awoke(at.now)
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
        return this.#opening.listening(input.addresses)
      case 'connected':
        return this.#onConnected(input.peer)
      case 'disconnected':
        return this.#onDisconnected(input.peer)
      case 'refused':
        this.#membership.refuse(input.peer)
        this.#opening.joining?.refused(input.peer)
        return this.#act(this.#parts.roster.judge(now))
      case 'gossip':
        return this.#onGossip(input.author, input.bytes)
      case 'beat':
        return this.#onBeat(input.from, input.bytes)
      case 'request':
        return this.#onRequest(input.from, input.id, input.bytes)
      case 'response':
        return this.#parts.exchange.response(input.id, input.bytes, now)
      case 'closed':
        return this.#parts.exchange.closed(input.id, now)
      case 'stored':
        return this.#onStored(input.id, input.error)
      case 'checked':
        this.#opening.joining?.checked(input.id)
        return this.#parts.checkup.checked(input.id, input.n, input.result)
      case 'vitals':
        return this.#parts.pulse.setVitals(input.load, input.vitals)
      case 'command':
        return this.#onCommand(input.ticket, input.command)
    }
  }

  // ---- connections

  #onConnected(peer: PeerId): void {
    this.#connected.add(peer)
    this.#parts.pulse.connected(peer, this.#at.now)
    if (this.#opening.maySpeak && this.#mayDiffer(peer)) this.#parts.exchange.sync(peer, this.#at.now)
  }

  /** Whoever we have lived with holds what we hold, or our heartbeats will tell; with anybody else all is compared at once. */
  #mayDiffer(peer: PeerId): boolean {
    if (!this.#opening.isOver) return true
    return this.#membership.member(peer)?.state !== 'alive' && this.#start.self < peer
  }

  /** A connection that breaks is a reason to look at once: a refused dial tells a crash from a broken line. */
  #onDisconnected(peer: PeerId): void {
    this.#connected.delete(peer)
    this.#parts.pulse.disconnected(peer)
    this.#parts.exchange.disconnected(peer)
    const member = this.#membership.member(peer)
    if (member !== undefined && !member.left && this.#parts.links.needs(peer)) this.#emit({ type: 'dial', peer })
  }

  // ---- messages

  #onGossip(author: PeerId, bytes: Uint8Array): void {
    const message = decodeGossip(bytes)
    if (message === undefined) return this.#parts.desk.drop('unreadable gossip')
    if (message.type === 'report') {
      if (!this.#membership.report(author, message, this.#at.now))
        return this.#parts.desk.drop('report by or about nobody known')
      return this.#act(this.#parts.roster.weigh(this.#at.now))
    }
    const { signed, step } = message
    if (step !== undefined)
      return this.#parts.intake.take({ signed, content: { type: 'step', ...step } }, author, this.#at)
    const held = this.#parts.desk.replica.head(signed.head.owner)
    if (held !== undefined && compareHeads(signed.head, held) <= 0) return
    if (!verifyHead(signed, this.#start.crypto)) return this.#parts.desk.drop('bad signature')
    this.#parts.exchange.pull(signed.head.owner, author, this.#at.now)
  }

  #onBeat(from: PeerId, bytes: Uint8Array): void {
    const { now, wall } = this.#at
    const heard = this.#parts.pulse.hear(from, bytes, now)
    if (heard === undefined) return
    this.#parts.horizon.heard(from, wall)
    if (heard.hearing === 'news') this.#parts.exchange.pull(from, from, now)
    if (heard.inStep === false && this.#opening.isOver) this.#parts.exchange.reconcile(from, now)
    this.#parts.roster.refresh()
  }

  #onRequest(from: PeerId, id: number, bytes: Uint8Array): void {
    const request = decodeSyncRequest(bytes)
    const reply = (answer: Uint8Array, last: boolean): void => this.#emit({ type: 'reply', id, bytes: answer, last })
    if (request === undefined || !this.#opening.maySpeak) {
      this.#parts.desk.drop(request === undefined ? 'unreadable request' : 'request before the start')
      return reply(new Uint8Array(), true)
    }
    if (request.type !== 'remove') return this.#parts.exchange.answer(from, request, reply, this.#at.now)
    const record = this.#ownRecord(request.id)
    if (record === undefined || record.n > request.n || !this.#journal.isOpen) {
      return this.#parts.exchange.answerRemoval(from, request.holding, reply)
    }
    this.#parts.commands.dropAsAsked(request.id, record.n, this.#at.wall)
    this.#journal.whenDurable((error) => {
      if (error === undefined) this.#parts.exchange.answerRemoval(from, request.holding, reply)
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
    this.#journal.retry(now)
    if (now < this.#tickAt) return
    this.#tickAt = now + tick_ms
    this.#parts.exchange.tick(now)
    this.#opening.tick(this.#connected, this.#at, () => this.#settleTouched())
    this.#act(this.#parts.roster.judge(now))
    this.#parts.pulse.tick(now)
    this.#parts.links.tick(now, this.#opening.isOver)
    if (this.#journal.isOpen) this.#parts.checkup.tick(now)
    // Whoever is killed before it went blank must not count as having been up.
    if (this.#opening.isOver) this.#parts.horizon.tick(wall, now, false)
    this.#parts.forgetting.tick(now, wall, this.#journal.isOpen && this.#isReady)
    this.#parts.roster.tick(now)
  }

  #act({ reports, refute, takenOver }: Verdict): void {
    for (const peer of takenOver) if (!this.#connected.has(peer)) this.#emit({ type: 'dial', peer })
    if (this.#isReady) this.#parts.pulse.report(reports)
    if (!refute || !this.#journal.isOpen) return
    this.#journal.raiseIncarnation()
    this.#membership.setSelf(this.#journal.generation, this.#journal.incarnation, this.#at.now)
    this.#emit({ type: 'notify', event: { type: 'refuted', incarnation: this.#journal.incarnation } })
  }

  #onStored(id: number, error: string | undefined): void {
    if (this.#opening.stored(id, error, this.#at)) return
    if (!this.#journal.awaits(id)) {
      if (error !== undefined) this.#parts.desk.replica.distrustDisk()
      return
    }
    this.#journal.stored(error, this.#at.now)
    if (error !== undefined) return
    this.#parts.pulse.ownHeadChanged(this.#at.now)
    this.#membership.setSelf(this.#journal.generation, this.#journal.incarnation, this.#at.now)
    if (this.#isReady) return
    this.#isReady = true
    this.#emit({ type: 'notify', event: { type: 'ready' } })
    this.#journal.publish(this.#at.now, true)
    this.#parts.pulse.beatAll(this.#at.now)
  }

  // ---- commands

  #onCommand(ticket: number, command: Command): void {
    if (this.#mutedBecause !== undefined) return this.#parts.counter.refuse(ticket, this.#mutedBecause)
    if (this.#journal.failing)
      return this.#parts.counter.refuse(ticket, `the disk refuses writes (${this.#journal.diskError})`)
    const { joining } = this.#opening
    if (joining === undefined) return this.#parts.counter.serve(ticket, command)
    if (joining.isStale) return this.#parts.counter.refuse(ticket, joining.reason)
    this.#parts.counter.keep(ticket, command, joining.reason)
  }

  // ---- after each input

  /** Brings everything that follows up to date, then sends to disk and to others what is due. */
  #settle(): void {
    this.#settleTouched()
    this.#parts.intake.adoptForeign(this.#at)
    this.#settleTouched()
    if (!this.#journal.busy || this.#journal.failing || this.#whenSettled.length > settledLimit) {
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
      const touched = this.#parts.intake.takeTouched()
      if (isUntouched(touched)) return
      const { instances, definitions, fenced, nodes } = touched
      if (this.#journal.isOpen) this.#parts.commands.dropBeaten(instances, definitions)
      this.#parts.intake.applyFences(fenced, this.#at)
      if (this.#journal.isOpen) this.#parts.intake.noteOutlived(instances)
      for (const id of instances) this.#parts.index.refresh(id)
      for (const owner of nodes) this.#learn(owner)
      this.#parts.roster.refresh()
    }
  }

  #learn(owner: PeerId): void {
    const node = this.#parts.desk.union.node(owner)
    this.#parts.index.refreshOwner(owner) // its url is shown with each of its instances
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
    if (this.#opening.joining !== undefined) reasons.push(this.#opening.joining.reason)
    else if (!this.#isReady) reasons.push('the first version of this node’s own records is not on disk yet')
    if (this.#journal.failing) reasons.push(`the disk refuses writes: ${this.#journal.diskError}`)
    return { ready: reasons.length === 0, reasons }
  }

  get generation(): number {
    return this.#journal.generation
  }

  /** What was dropped, by reason. */
  dropped(): Readonly<Record<string, number>> {
    const unreadable = [...this.#parts.desk.union.unreadable].map(
      ([map, count]) => [`unreadable ${map}`, count] as const,
    )
    return Object.fromEntries([...this.#parts.dropped, ...unreadable])
  }
}
