/**
 * What callers do to instances that are registered already: routes each act to the home node of its instance, there to the part that
 * performs it, back to whoever asked.
 *
 *     caller ──▶ this node is its home ──▶ performed ──▶ on disk ──▶ answered
 *        └─────▶ another one is ─────────▶ asked over the sync stream; its answer brings its new document
 */
import { type Act, parseAct } from './model/act.js'
import type { Effect, Suspected } from './effects.js'
import type { Endings } from './endings.js'
import { RegistryError } from './model/errors.js'
import { type NodeRecord, type PeerId, readObject } from './model/model.js'
import type { Outbox } from './outbox.js'
import type { Suspecting } from './own/suspicions.js'
import type { PeersAct, Waiting } from './own/waiting.js'
import { whyNotReady } from './phase.js'
import type { RegistryState } from './state.js'
import { actedReply } from './sync/answers.js'
import { type PassedOn, type PassedOnEnd, patienceOf } from './sync/requests.js'
import { urlEndpoint } from './model/url.js'
import type { MemberState } from './views.js'
import { WaitingList } from './basics/waiting-list.js'
import type { Holding, SyncRequest } from './wire/sync.js'

/** What a suspicion waits for the check: less than whoever passed it on waits for the answer. */
const suspicion_ms = 800

/** Who wants an act done here. */
type Asker = { readonly type: 'caller'; readonly ticket: number } | ({ readonly type: 'peer' } & PeersAct)

export class Acting {
  readonly #state: RegistryState
  readonly #out: Outbox
  readonly #endings: Endings
  /** In a large cluster not everybody is connected with everybody: these wait for a connection with the home node. */
  readonly #unconnected = new WaitingList<PassedOn>()
  /** Those who wait for what the check of an instance finds. */
  readonly #suspicious = new WaitingList<{ readonly id: string; readonly asker: Asker; readonly until: number }>()

  constructor(state: RegistryState, endings: Endings) {
    this.#state = state
    this.#out = state.out
    this.#endings = endings
  }

  // ---- asked by a caller

  /** @throws RegistryError `not-found`; where this node is its home also what the act itself is refused for */
  ask(ticket: number, id: string, act: Act): void {
    const { writes, self, at } = this.#state
    // Of one that has ended only this is left.
    const isForgotten = act.type === 'maintenance' && act.reason === undefined && writes.keptOut.forget(id)
    if (isForgotten && this.#state.records.own('instances', id) === undefined)
      return this.#done({ type: 'caller', ticket })
    const { owner } = writes.ownerOf(id)
    if (act.type === 'suspect') this.#noteHere(id, act.caller ?? '')
    if (owner === self) return this.#perform(id, act, { type: 'caller', ticket })
    this.#passOn({ ticket, id, home: owner, act, until: at.now + patienceOf(act) })
  }

  /** Its home node may well reach it: other callers here are given it last for a while, whatever comes of the question. */
  #noteHere(id: string, caller: string): void {
    const { reach, suspicions, at } = this.#state
    if (suspicions.take(id, { caller }, at.now)) reach.suspected(id, at.now)
  }

  // ---- performed here

  #perform(id: string, act: Act, asker: Asker): void {
    const { writes, checks, at } = this.#state
    switch (act.type) {
      case 'maintenance':
        this.#demandDisk()
        if (act.by === 'program') writes.drainInstance(id, act.reason !== undefined)
        else writes.setMaintenance(id, act.reason)
        return this.#onDisk(asker)
      case 'patch':
        this.#demandDisk()
        writes.patch(id, act)
        return this.#onDisk(asker)
      case 'status':
        this.#demandDisk()
        this.#out.emitAll(checks.tell(id, act, at.now))
        return this.#onDisk(asker)
      case 'renew':
        this.#endings.renew(id)
        return this.#done(asker)
      case 'suspect':
        return this.#suspect(id, callerOf(act.caller, asker), asker)
    }
  }

  #demandDisk(): void {
    const { refusal } = this.#state.commits
    if (refusal !== undefined) throw new RegistryError('unavailable', `the disk refuses writes (${refusal})`)
  }

  #suspect(id: string, caller: Suspecting, asker: Asker): void {
    const { checks, at } = this.#state
    const { isChecked, effects } = checks.suspect(id, caller, at.now)
    this.#out.emitAll(effects)
    const until = at.now + suspicion_ms
    if (!isChecked || !this.#suspicious.keep({ id, asker, until })) this.#done(asker, 'known')
  }

  /** The check of an instance is back. */
  checked(id: string): void {
    for (const { asker } of this.#suspicious.take((one) => one.id === id)) this.#onDisk(asker, 'checked')
  }

  /** Answered once all that is staged is on disk. */
  #onDisk(asker: Asker, value?: Suspected): void {
    const { commits } = this.#state
    const said = value === undefined ? {} : { value }
    if (asker.type === 'caller') return commits.wait({ type: 'command', ticket: asker.ticket, ...said })
    const { request, from, holding } = asker
    commits.wait({ type: 'act', request, from, holding, ...said })
  }

  /** Answered at once: nothing of it is written. */
  #done(asker: Asker, value?: Suspected): void {
    if (asker.type === 'peer') return this.#out.emit(actedReply(asker.request, { ok: true, value: value ?? '' }))
    this.#settle(asker.ticket, { ok: true, ...(value !== undefined && { value }) })
  }

  // ---- asked by a peer

  /** Whoever passes it on is not trusted to have read it: it is read again. */
  asked(from: PeerId, request: number, { id, act, holding }: SyncRequest & { type: 'act' }): void {
    try {
      this.#demandHome(id)
      this.#demandKnown(holding)
      this.#perform(id, parseAct(readObject(act)), { type: 'peer', from, request, holding })
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error
      this.#refusePeer(request, error)
    }
  }

  #demandHome(id: string): void {
    const { writes, records, phase, rules, self } = this.#state
    if (!rules.maySign)
      throw new RegistryError('unavailable', `its home node takes no writes now: ${whyNotReady(phase) ?? phase.name}`)
    const { owner } = writes.ownerOf(id)
    if (owner === self) return
    const home = homeOf(owner, records.union.node(owner))
    throw new RegistryError('unavailable', `id: ${JSON.stringify(id)} has just moved to ${home}; ask again in a moment`)
  }

  /** Whoever asks has seen records of ours that are not known here yet: what it means may be another registration than the one here. */
  #demandKnown(holding: Holding): void {
    if (!this.#state.identity.isForeign(holding)) return
    throw new RegistryError('unavailable', 'its home node takes over newer records of its own; ask again in a moment')
  }

  /** What it waited for is on disk, or was refused there. */
  released(waiting: Waiting & { type: 'act' }, error: RegistryError | undefined): void {
    if (error !== undefined) return this.#refusePeer(waiting.request, error)
    this.#state.answers.wait({ ...waiting, type: 'acted' })
  }

  #refusePeer(request: number, { code, message }: RegistryError): void {
    this.#out.emit(actedReply(request, { ok: false, code, message }))
  }

  // ---- passed on

  #passOn(passedOn: PassedOn): void {
    const { liveness } = this.#state
    const { home } = passedOn
    if (liveness.peers.has(home)) return this.#askHome(passedOn)
    const state = liveness.membership.member(home)?.state ?? 'unknown'
    if (state !== 'alive') return this.#fail(passedOn, absent[state])
    if (!this.#unconnected.keep(passedOn)) return this.#fail(passedOn, 'is not connected, and too many wait for that')
    this.#out.emit({ type: 'dial', peer: home })
  }

  #askHome(passedOn: PassedOn): void {
    const { replica, requests, at } = this.#state
    const holding = replica.document(passedOn.home)?.holding
    if (holding === undefined) return this.#fail(passedOn, 'is unknown by now')
    this.#out.emit(requests.act(passedOn, holding, at.now))
  }

  connected(peer: PeerId): void {
    for (const passedOn of this.#unconnected.take(({ home }) => home === peer)) this.#askHome(passedOn)
  }

  refused(peer: PeerId): void {
    for (const passedOn of this.#unconnected.take(({ home }) => home === peer))
      this.#fail(passedOn, 'refuses connections')
  }

  ended(passedOn: PassedOn, end: PassedOnEnd): void {
    if (end === 'no answer') return this.#fail(passedOn, 'does not answer; it may be done all the same')
    if (end === 'connection lost') return this.#fail(passedOn, 'cannot be reached; it may be done all the same')
    if (end === 'not understood')
      return this.#fail(passedOn, 'runs an earlier version, which takes this from callers of its own alone, or starts')
    const { ticket } = passedOn
    if (end.ok) this.#settle(ticket, { ok: true, ...(end.value !== '' && { value: end.value }) })
    else this.#settle(ticket, { ok: false, error: new RegistryError(end.code, end.message) })
  }

  #fail({ ticket, id, home }: PassedOn, why: string): void {
    const { union } = this.#state.records
    const message = `id: the home node of ${JSON.stringify(id)} ${why}; ask again, or ask ${homeOf(home, union.node(home))}`
    this.#settle(ticket, { ok: false, error: new RegistryError('unavailable', message) })
  }

  #settle(ticket: number, result: (Effect & { type: 'settle' })['result']): void {
    this.#out.emit({ type: 'settle', ticket, result })
  }

  // ---- time

  tick(): void {
    const { now } = this.#state.at
    for (const passedOn of this.#unconnected.takeOverdue(now)) this.#fail(passedOn, 'cannot be reached')
    for (const { asker } of this.#suspicious.takeOverdue(now)) this.#done(asker, 'known')
  }
}

/** Why a home node is asked nothing. */
const absent: Readonly<Record<Exclude<MemberState, 'alive'>, string>> = {
  unknown: 'is not known to live',
  hidden: 'is not heard',
  dead: 'is dead',
  left: 'has said goodbye',
}

/** Whose suspicion it is: who asked, and through whom; a peer that says that many ask is bounded by itself. */
function callerOf(caller = '', asker: Asker): Suspecting {
  return asker.type === 'peer' ? { caller, through: asker.from } : { caller }
}

/** A node, with the way to ask it. Its url is a name first: HTTP answers on its own machine alone unless it was told otherwise. */
function homeOf(owner: PeerId, node: NodeRecord | undefined): string {
  if (node === undefined) return `node ${owner}, which has told nothing of itself`
  const host = urlEndpoint(node.url)?.host
  const where = host === undefined ? 'in the program that runs it' : `on its own machine, ${host}`
  return `node ${node.id} ${where}`
}
