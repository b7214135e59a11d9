/**
 * One daemon's mind: told what happened at what time, it answers with effects. It routes: a part is told what concerns it, answers
 * with what came of that, which goes on to the next part; every rule lives in a part. After each input all is settled.
 */
import { readinessOf, type Unready } from './words/causes.js'
import { Acknowledging } from './acknowledging.js'
import { Acting } from './acting.js'
import { Asking } from './asking.js'
import { ComingBack } from './coming-back.js'
import type { Command, Effect, Input, Moment, Settled } from './effects.js'
import { RegistryError } from './model/errors.js'
import { Descent } from './descent.js'
import { Endings } from './endings.js'
import { Fencing } from './fencing.js'
import { Foreign } from './foreign.js'
import { Figures } from './figures.js'
import { Giving } from './giving.js'
import { idOf } from './lookup/slugs.js'
import { ownLateness_ms, restartGrace_s } from './membership/formulas.js'
import { MakingRoom } from './making-room.js'
import type { Verdict } from './membership/verdict.js'
import type { PeerId } from './model/model.js'
import { LettingGo } from './letting-go.js'
import { Opening } from './opening.js'
import type { Outbox } from './outbox.js'
import { withoutSecrets } from './own/check-secrets.js'
import type { Released, Waiting } from './own/waiting.js'
import { unreadyIn } from './phase.js'
import { Projection } from './projection.js'
import { Reads } from './reads.js'
import { leaving, whyRefused } from './refusals.js'
import { Replication } from './replication.js'
import { type RegistryStart, RegistryState } from './state.js'
import { emptyReply } from './sync/answers.js'
import type { Readiness, StateView } from './views.js'
import { type ReportMessage, decodeGossip } from './wire/gossip.js'

/** How often the registry looks at the clock. */
const tick_ms = 100

export class Registry {
  readonly #state: RegistryState
  readonly #out: Outbox
  readonly #fencing: Fencing
  readonly #projection: Projection
  readonly #asking: Asking
  readonly #foreign: Foreign
  readonly #replication: Replication
  readonly #giving: Giving
  readonly #lettingGo: LettingGo
  readonly #room: MakingRoom
  readonly #opening: Opening
  readonly #comingBack: ComingBack
  readonly #descent: Descent
  readonly #endings: Endings
  readonly #acting: Acting
  readonly #acknowledging: Acknowledging
  /** All reads of the registry. None waits, none changes anything. */
  readonly read: Reads
  readonly figures: Figures
  #tickAt: number
  /** Until when it was asleep, where that is known already. */
  #awokeAt = Number.NEGATIVE_INFINITY

  constructor(start: RegistryStart, at: Moment) {
    const state = new RegistryState(start, at)
    this.#state = state
    this.#out = state.out
    this.#tickAt = at.now + tick_ms
    const fencing = new Fencing(state)
    const projection = new Projection(state, fencing)
    this.#endings = new Endings(state)
    this.#acknowledging = new Acknowledging(state)
    this.#descent = new Descent(state)
    this.#acting = new Acting(state, this.#endings)
    this.#giving = new Giving(state, fencing)
    this.#lettingGo = new LettingGo(state, fencing)
    this.#room = new MakingRoom(state, this.#lettingGo)
    this.#asking = new Asking(state)
    this.#foreign = new Foreign(state, this.#asking)
    const beside = { fencing, projection, acting: this.#acting, giving: this.#giving, room: this.#room }
    const replication = new Replication(state, { ...beside, asking: this.#asking, foreign: this.#foreign })
    this.#opening = new Opening(start, { state, fencing, projection, asking: this.#asking })
    this.#comingBack = new ComingBack(state, { asking: this.#asking, opening: this.#opening })
    this.#fencing = fencing
    this.#projection = projection
    this.#replication = replication
    this.read = new Reads(state)
    this.figures = new Figures(state)
    this.#opening.begin()
    this.#projection.settle()
  }

  // ---- the border

  /** The effects of the construction itself; then call `handle` for all that happens. */
  begin(): Effect[] {
    return this.#out.take()
  }

  /** When to be given a `wake` at the latest, on the clock of `Moment.now`. */
  get wakeAt(): number {
    return Math.min(
      this.#tickAt,
      this.#state.commits.wakeAt,
      this.#acknowledging.wakeAt,
      this.#replication.wakeAt,
      this.#giving.wakeAt,
      this.#projection.wakeAt,
    )
  }

  handle(input: Input, at: Moment): Effect[] {
    this.#state.at = this.#state.lastUp.corrected(at)
    if (at.now - this.#tickAt > ownLateness_ms) this.#awoke(at.now)
    this.#dispatch(input)
    this.#settle()
    return this.#out.take()
  }

  #awoke(now: number): void {
    this.#state.liveness.membership.awoke(now)
    this.#endings.slept(now - Math.max(this.#tickAt, this.#awokeAt))
    this.#awokeAt = now
  }

  #dispatch(input: Input): void {
    const { liveness, joining, checks, identity, commits } = this.#state
    switch (input.type) {
      case 'wake':
        return this.#wake()
      case 'waited':
        return liveness.membership.waited(input.share)
      case 'listening':
        return this.#opening.listening(input.addresses, input.url)
      case 'connected':
        return this.#connected(input.peer)
      case 'beginning':
        return this.#state.firstSync.begins(input.stage)
      case 'disconnected':
        return this.#disconnected(input.peer)
      case 'refused':
        liveness.membership.refuse(input.peer, input.isVacant, this.#state.at.now)
        joining?.refused(input.peer)
        this.#acting.refused(input.peer)
        return this.#act(liveness.membership.tick(this.#state.at.now))
      case 'shunned':
        return liveness.membership.shun(input.peer, this.#state.at.now + input.for_ms)
      case 'gossip':
        return this.#gossip(input.author, input.bytes)
      case 'beat':
        return this.#beat(input.from, input.bytes)
      case 'request':
        return this.#replication.request(input.from, input.id, input.bytes)
      case 'response':
        return this.#replication.response(input.id, input.bytes)
      case 'closed': {
        const compared = this.#replication.closed(input.id, input.ok)
        return compared && this.#acknowledging.answered(compared)
      }
      case 'gone':
        return this.#giving.gone(input.id, input.ok)
      case 'stored':
        return this.#stored(input.id, input.error)
      case 'checked':
        joining?.checked(input.id)
        commits.checked(input.id)
        this.#endings.checked(input.id, input.n, input.result)
        this.#out.emitAll(checks.checked(input.id, input.n, input.result, this.#state.at.now))
        return this.#acting.checked(input.id)
      case 'line':
        return this.#out.emitAll(checks.lineNews(input.id, input.n, input.news, this.#state.at.now))
      case 'vitals':
        return liveness.heartbeats.setVitals(input.load, input.vitals, identity.generation)
      case 'command':
        return this.#command(input.ticket, input.command)
    }
  }

  // ---- connections

  #connected(peer: PeerId): void {
    const { liveness, firstSync, at, rules } = this.#state
    firstSync.met()
    this.#lettingGo.connected(peer)
    this.#out.emitAll(liveness.connected(peer, this.#state.ownState(), at.now))
    if (rules.maySpeak && this.#mayDiffer(peer)) this.#asking.sync(peer)
    this.#acting.connected(peer)
  }

  #disconnected(peer: PeerId): void {
    const { liveness, unplaced, comparisons, firstSync, at } = this.#state
    unplaced.forget(peer)
    firstSync.forget(peer)
    comparisons.forget(peer)
    this.#out.emitAll(liveness.disconnected(peer, at.now))
    this.#asking.compareNext()
  }

  /** Whoever we have lived with holds what we hold, or our heartbeats will tell; with anybody else all is compared at once. */
  #mayDiffer(peer: PeerId): boolean {
    const { liveness, firstSync, self, rules } = this.#state
    if (!rules.isJoined || !firstSync.isOver) return true
    return liveness.membership.member(peer)?.state !== 'alive' && self < peer
  }

  #beat(from: PeerId, bytes: Uint8Array): void {
    const { liveness, lastHeard, at, rules } = this.#state
    const { hearing, inStep, isAsking, report, passed, dropped } = liveness.hear(from, bytes, at.now)
    if (report !== undefined) this.#hearReport(from, report, false)
    if (passed !== undefined) this.#out.emitAll(passed)
    if (isAsking === true) this.#out.emitAll(liveness.answer(from, this.#state.ownState(), at.now))
    if (dropped !== undefined) this.#out.drop(dropped)
    if (hearing === undefined) return
    lastHeard.heard(from, at.now)
    if (hearing === 'news') this.#asking.pull(from, from)
    if (inStep === false && rules.isJoined) this.#asking.reconcile(from)
    this.#projection.followBeliefs()
  }

  // ---- messages

  #gossip(author: PeerId, bytes: Uint8Array): void {
    const message = decodeGossip(bytes)
    if (message === undefined) return this.#out.drop('unreadable gossip')
    if (message.type === 'update') return this.#replication.gossip(message, author)
    if (message.type === 'report') return this.#hearReport(author, message, true)
    const { liveness, at } = this.#state
    if (message.type === 'question') return liveness.hearQuestion(message, this.#state.ownState(), at.now)
    liveness.hearAnswer(author, message, at.now)
  }

  #hearReport(author: PeerId, report: ReportMessage, isGossip: boolean): void {
    const verdict = this.#state.liveness.hearReport(author, report, this.#state.at.now, isGossip)
    return verdict === undefined ? this.#out.drop('report by or about nobody known') : this.#act(verdict)
  }

  // ---- time

  #wake(): void {
    const { commits, checks, writes, liveness, lastHeard, at } = this.#state
    const { now } = at
    this.#out.emitAll(commits.retry(now))
    this.#acknowledging.tick()
    this.#replication.beginTurn()
    this.#giving.beginTurn()
    this.#projection.lookOn()
    if (now < this.#tickAt) return
    this.#tickAt = now + tick_ms
    this.#replication.tick()
    this.#giving.tick()
    this.#comingBack.tick()
    if (this.#opening.tick()) this.#opened()
    const { rules } = this.#state // as they are after that
    this.#act(liveness.membership.tick(now))
    this.#out.emitAll(liveness.tick(this.#state.ownState(), rules.isJoined, now))
    if (rules.maySign) this.#out.emitAll(checks.tick(now))
    this.#endings.tick()
    this.#acting.tick()
    this.#descent.tick()
    lastHeard.count(at, rules.isJoined)
    writes.uptime_ms = lastHeard.uptime_ms
    this.#fencing.keepNotes(false)
    this.#fencing.tickForgetting()
    this.#lettingGo.tick()
    this.#room.tick()
    this.#projection.lookAround()
  }

  /** What follows from a look at the clock, or from reports. */
  #act(verdict: Verdict): void {
    const { identity, liveness, rules } = this.#state
    this.#out.emitAll(liveness.act(verdict, identity.generation, rules.mayReport))
    this.#projection.followBeliefs()
    this.#projection.lookFromHere()
    if (!verdict.refute || !rules.maySign) return
    identity.raiseIncarnation()
    this.#tellMembership()
    this.#out.notify({ type: 'refuted', incarnation: identity.incarnation })
  }

  #tellMembership(): void {
    const { identity, liveness, at } = this.#state
    const { generation, incarnation } = identity
    liveness.membership.setSelf(generation, incarnation, at.now)
  }

  // ---- the disk

  #stored(id: number, error: string | undefined): void {
    const { commits, replica, liveness, at } = this.#state
    if (this.#opening.stored(id, error)) return
    const isOwn = commits.awaits(id)
    this.#state.tellDisk(isOwn ? 'own' : 'copies', error)
    if (!isOwn) return error === undefined ? undefined : replica.distrustDisk()
    const before = commits.signed?.head.generation
    this.#release(commits.stored(error, at.now))
    if (error !== undefined) return
    this.#giving.ownStored()
    // Who has forgotten us shows us again once we are heard; the head that this refers to is on its way by then.
    if (commits.signed?.head.generation !== before) liveness.heartbeats.hasten()
    liveness.digests.ownHeadChanged(at.now)
    this.#tellMembership()
    if (this.#state.phase.name !== 'opening') return
    this.#state.enter({ name: 'ready' })
    this.#out.notify({ type: 'ready' })
    this.#out.emitAll(commits.publish(at.now, true))
    this.#out.emitAll(liveness.beatAll(this.#state.ownState(), at.now))
  }

  #release({ waiting, error }: Released): void {
    for (const one of waiting) this.#releaseOne(one, error)
  }

  #releaseOne(waiting: Waiting, error: RegistryError | undefined): void {
    const { commits, answers, at } = this.#state
    if (waiting.type === 'removal') {
      if (error !== undefined) return this.#out.emit(emptyReply(waiting.request))
      return answers.wait({ ...waiting, type: 'removed' })
    }
    if (waiting.type === 'act') return this.#acting.released(waiting, error)
    if (error !== undefined) return this.#tell(waiting.ticket, { ok: false, error })
    if (waiting.type === 'command')
      return this.#tell(waiting.ticket, { ok: true, ...(waiting.value !== undefined && { value: waiting.value }) })
    this.#out.emitAll(commits.publish(at.now, true))
    this.#tell(waiting.ticket, { ok: true })
  }

  // ---- callers

  /** The first head is signed: whoever waited for that is served, and peers are asked what they have besides. */
  #opened(): void {
    this.#projection.settle()
    for (const { ticket, command } of this.#state.queue.takeAll()) {
      this.#command(ticket, command)
      this.#projection.settle() // the next one reads what this one staged
    }
    this.#asking.syncAll()
  }

  #command(ticket: number, command: Command): void {
    const { phase, joining, commits, identity } = this.#state
    const hasLeft = identity.left !== undefined
    const why = whyRefused(command, { phase, refusal: commits.refusal, hasLeft })
    if (why !== undefined) return this.#refuse(ticket, why)
    if (joining === undefined) return this.#serve(ticket, command)
    if (joining.isStale || !this.#state.queue.keep({ ticket, command })) this.#refuse(ticket, joining.reason)
  }

  #serve(ticket: number, command: Command): void {
    try {
      this.#perform(ticket, command)
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error
      this.#tell(ticket, { ok: false, error })
    }
  }

  #perform(ticket: number, command: Command): void {
    const { records, writes, stamps, identity, commits, checks, index, forgetting, crypto, self, at } = this.#state
    const { now, wall } = at
    switch (command.type) {
      case 'register': {
        const { embedded = false, holder } = command
        const { registration: said, userinfo } = withoutSecrets(command.registration)
        const id = idOf(said, index, { self, hash: crypto.hash })
        const { registration, session } = this.#endings.livingOf(id, said, embedded, holder)
        const secrets = checks.secretsAfter(id, registration, userinfo) // kept once it is not refused
        const stamp = stamps.next(records.union.latestStamp(id), at)
        writes.register(id, registration, { wall, stamp }, session)
        checks.keepSecrets(id, secrets)
        this.#endings.registered(id)
        if (records.own('instances', id)?.status === 'Unknown' && checks.isAsked(id)) commits.awaitFirstCheck(id, now)
        this.#out.emitAll(checks.check(id, now))
        return commits.wait({ type: 'command', ticket, value: id })
      }
      case 'deregister':
        return this.#deregister(ticket, command.id)
      case 'act':
        return this.#acting.ask(ticket, command.id, command.act)
      case 'save-definition':
        writes.saveDefinition(command.definition)
        break
      case 'remove-definition':
        writes.removeDefinition(command.id)
        break
      case 'remove-node':
        this.#removeNode(command.owner)
        break
      case 'open-session':
        return this.#tell(ticket, { ok: true, value: this.#endings.open(command.secret, command) })
      case 'hear-session':
        this.#endings.hear(command.id, command.secret, command.holder)
        return this.#tell(ticket, { ok: true })
      case 'end-session':
        this.#endings.end(command.id, command.secret, command.holder)
        break
      case 'lose-session':
        this.#endings.lose(command.id, command.line)
        return this.#tell(ticket, { ok: true })
      case 'drain':
        return commits.wait({ type: 'command', ticket, value: String(writes.drain(command.isDraining)) })
      case 'acknowledge':
        return this.#acknowledging.ask(ticket, command, at)
      case 'leave':
        this.#acknowledging.end()
        this.#fencing.keepNotes(true)
        this.#out.storeSoon([forgetting.note(now)])
        identity.leave(command.restart === true ? restartGrace_s : 0)
        return commits.wait({ type: 'goodbye', ticket })
    }
    commits.wait({ type: 'command', ticket })
  }

  /** The owner drops it and answers with its new document; an owner that does not answer is not waited for. */
  #deregister(ticket: number, id: string): void {
    const { writes, commits, replica, requests, liveness, self, at } = this.#state
    const { owner, n } = writes.ownerOf(id)
    if (owner === self) {
      writes.deregisterOwn(id, n, at.wall)
      return commits.wait({ type: 'command', ticket })
    }
    const removal = { ticket, id, n }
    const holding = replica.document(owner)?.holding
    if (holding === undefined || !liveness.peers.has(owner)) return this.#replication.removed(removal, false)
    this.#out.emit(requests.remove(owner, removal, holding, at.now))
  }

  #removeNode(owner: PeerId): void {
    const { writes, identity, replica, self } = this.#state
    if (owner === self) return identity.raiseGeneration(0)
    const document = replica.endable(owner)
    if (document === undefined) throw new RegistryError('not-found', `node: no document of ${owner}`)
    writes.fence(document)
  }

  #refuse(ticket: number, why: string): void {
    this.#tell(ticket, { ok: false, error: new RegistryError('unavailable', why) })
  }

  #tell(ticket: number, result: Settled): void {
    this.#out.emit({ type: 'settle', ticket, result })
  }

  // ---- after each input

  /** Brings everything that follows up to date, then sends to disk, or to others, what is due. */
  #settle(): void {
    const { commits, checks, answers, at } = this.#state
    const { now } = at
    this.#projection.settle()
    this.#foreign.adopt()
    this.#descent.settle()
    this.#projection.settle()
    const isSettled = !commits.isBusy || commits.refusal !== undefined
    for (const given of answers.takeDue(isSettled)) this.#giving.begin(given)
    this.#giving.giveMore()
    this.#acknowledging.takeDown()
    this.#out.emitAll(commits.publish(now))
    const secrets = checks.takeSecrets()
    if (secrets !== undefined) commits.accompany({ type: 'secrets', text: secrets })
    if (!commits.isBusy) commits.end(this.#fencing.takeEnded())
    const { effects, released } = commits.commit(now, this.#out.nextStoreId())
    this.#out.emitAll(effects)
    if (released !== undefined) this.#release(released)
  }

  // ---- how it is

  readiness(): Readiness {
    const { unplaced, liveness, identity, commits, at } = this.#state
    const left: Unready | undefined = identity.left && { cause: 'leaving', why: leaving }
    const disk: Unready | undefined =
      commits.refusal === undefined ? undefined : { cause: 'disk', why: `the disk refuses writes: ${commits.refusal}` }
    const reasons = [unreadyIn(this.#state.phase), left, disk, unplaced.reason(liveness.peers.ids(), at.now)]
    return readinessOf(
      reasons.filter((reason) => reason !== undefined),
      this.#state.degraded.isOn,
    )
  }

  /** Why there may be more than is held here, where somebody was met who has not given all yet. */
  get behind(): Unready | undefined {
    return this.#state.firstSync.unready
  }

  get generation(): number {
    return this.#state.identity.generation
  }

  /** What was dropped, by reason. */
  dropped(): Readonly<Record<string, number>> {
    return this.#state.dropped()
  }

  /** How it is inside: plain values without secrets or entries, in bounded space. */
  toJSON(): StateView {
    return this.#state.toJSON()
  }
}
