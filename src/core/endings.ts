/**
 * How long registrations live: routes what programs say of their sessions or ttls, what the clock says of silence, illness, nodes that
 * stay away, into checks, statuses, removals. Nothing ends before this daemon may sign, nor while its disk refuses writes.
 */
import { durationOf, formatDuration } from './model/duration.js'
import type { CheckResult, Effect } from './effects.js'
import { RegistryError } from './model/errors.js'
import { lostSession, notRenewed } from './words/lapsed.js'
import type { Registration } from './model/model.js'
import type { Outbox } from './outbox.js'
import { isLeftBehind, livesWith, sessionOfStart } from './own/living.js'
import { type OpenOptions, sessionLimits } from './own/sessions.js'
import type { RegistryState } from './state.js'

/** What a registration lives with. */
export interface Living {
  readonly session?: string
  readonly registration: Registration
}

export class Endings {
  readonly #state: RegistryState
  readonly #out: Outbox
  /** Since when this daemon may sign, and its disk takes writes; undefined while not. All that ends counts from there at the earliest. */
  #writesSince: number | undefined

  constructor(state: RegistryState) {
    this.#state = state
    this.#out = state.out
  }

  // ---- sessions, as programs ask for them

  /** @returns the public id */
  open(secret: string, options: OpenOptions): string {
    const { sessions, expiry, at } = this.#state
    const { id, isBack } = sessions.open(secret, options, at.now)
    if (isBack) for (const instance of expiry.livingWith(id)) this.#out.emitAll(this.#back(instance))
    return id
  }

  hear(id: string, secret: string, holder: string | undefined): void {
    const { sessions, expiry, at } = this.#state
    if (!sessions.hear(id, secret, holder, at.now)) return
    for (const instance of expiry.livingWith(id)) this.#out.emitAll(this.#back(instance))
  }

  lose(id: string, line: number): void {
    if (this.#state.sessions.lose(id, line, this.#state.at.now)) this.#lost(id)
  }

  /** A clean end: what lives with it goes at once. */
  end(id: string, secret: string, holder: string | undefined): void {
    this.#state.sessions.end(id, secret, holder)
    const instances = this.#state.expiry.livingWith(id)
    this.#out.notify({ type: 'session', id, change: 'ended', instances: instances.length })
    for (const instance of instances) this.#remove(instance, 'its program has ended its session')
  }

  /**
   * What the registration of an instance is to live with, by what it says, or by what is held of it: what is not said again stays.
   * @param isEmbedded it comes from the program that this node is a part of
   * @throws RegistryError `malformed`, `not-found`, `forbidden`, `too-large`
   */
  livingOf(id: string, registration: Registration, isEmbedded: boolean, holder: string | undefined): Living {
    const held = this.#state.records.union.standing(id)?.record
    const living = livesWith({ registration, held, isEmbedded })
    switch (living.type) {
      case 'session':
        return this.#livingWith(id, living.secret, registration, holder)
      case 'start':
        return { session: this.#ownStart, registration: { ...registration, lifetime: 'session' } }
      case 'alone':
        return { registration }
    }
  }

  get #ownStart(): string {
    return sessionOfStart(this.#state.identity.boot)
  }

  #livingWith(instance: string, secret: string, registration: Registration, holder: string | undefined): Living {
    const { sessions, expiry } = this.#state
    const { id } = sessions.named(secret, holder)
    if (!expiry.livesWith(instance, id) && expiry.countOf(id) >= sessionLimits.instances) {
      throw new RegistryError(
        'too-large',
        `session: ${sessionLimits.instances} instances live with it, and no more can; open another one`,
      )
    }
    const grace_ms = sessions.keep(id, graceSaid(registration))
    return { session: id, registration: { ...registration, grace: formatDuration(grace_ms) } }
  }

  // ---- ttls

  /**
   * Its home is here: it lives for one ttl from now on.
   * @throws RegistryError `conflict` where it has none
   */
  renew(id: string): void {
    const outcome = this.#state.expiry.renew(id, this.#state.at.now)
    if (outcome === 'back') this.#out.emitAll(this.#back(id))
    if (outcome === 'has no ttl')
      throw new RegistryError('conflict', `id: ${JSON.stringify(id)} has no ttl, and needs no renewal`)
  }

  /** Registered, anew or again: whoever says so is alive, but for a program that has lost its session. */
  registered(id: string): void {
    const { records, crashes, expiry, checks, sessions, at } = this.#state
    expiry.renew(id, at.now)
    const { slug, session } = records.own('instances', id) ?? {}
    checks.hold(id, slug === undefined ? 0 : crashes.recovery_ms(slug, at.now), at.now)
    if (session === undefined || !sessions.isLost(session)) this.#out.emitAll(checks.setOver(id, undefined, at.now))
    // What it has said of itself was said by the program that it lived with.
    const before = expiry.sessionOf(id)
    if (before !== undefined && before !== session) this.#out.emitAll(checks.forgetTold(id, at.now))
  }

  // ---- time

  /** This daemon was asleep for so long. */
  slept(slept_ms: number): void {
    const { sessions, expiry, abandoned, checks } = this.#state
    for (const one of [sessions, expiry, abandoned, checks]) one.forgive(slept_ms)
  }

  tick(): void {
    const { sessions, writes, rules, commits, at } = this.#state
    if (!rules.maySign) return void (this.#writesSince = undefined)
    const mayEnd = commits.refusal === undefined
    if (!mayEnd) this.#writesSince = undefined
    else if (this.#writesSince === undefined) this.#beginAnew()
    const { lost, again, silent, over } = sessions.tick(at.now, mayEnd)
    for (const id of lost) this.#lost(id)
    for (const id of again) this.#lookAt(id)
    for (const id of silent) this.#tellSilent(id)
    for (const id of over) this.#over(id)
    if (mayEnd) this.#endOthers()
    const note = sessions.takeNote(at.now)
    if (note !== undefined) this.#out.storeSoon([{ type: 'note', name: 'sessions', value: note }])
    const keptOut = writes.keptOut.takeNote(at.wall)
    if (keptOut !== undefined) this.#out.storeSoon([{ type: 'note', name: 'keptOut', value: keptOut }])
  }

  /** Whoever would have registered or renewed until now was refused: each has its whole time. */
  #beginAnew(): void {
    const { sessions, expiry, abandoned, at } = this.#state
    this.#writesSince = at.now
    sessions.beginAnew(at.now)
    expiry.beginAnew(at.now)
    abandoned.beginAnew()
  }

  #endOthers(): void {
    this.#endLeftBehind()
    this.#endByThemselves()
    this.#endAbandoned()
  }

  #lost(id: string): void {
    this.#out.notify({ type: 'session', id, change: 'lost', instances: this.#state.expiry.countOf(id) })
    this.#lookAt(id)
  }

  /** Whoever ended with its program refuses; whoever answers stays as it is until the grace ends. See `checked`. */
  #lookAt(session: string): void {
    const { expiry, checks, at } = this.#state
    for (const id of expiry.livingWith(session)) this.#out.emitAll(checks.check(id, at.now))
  }

  /**
   * Whoever did not answer while its session was lost has ended with its program: one check is enough, whatever its threshold. An
   * answer after that comes from whoever has drawn its port; the program itself would open its session again, or register anew.
   */
  checked(id: string, n: number, { status, details }: CheckResult): void {
    const { records, checks, at } = this.#state
    const record = records.own('instances', id)
    if (status !== 'Unreachable' || record?.n !== n || !this.#isLost(record.session)) return
    const why = details === undefined ? lostSession : `${details}; ${lostSession}`
    this.#out.emitAll(checks.setOver(id, why, at.now))
  }

  #isLost(session: string | undefined): boolean {
    const { sessions } = this.#state
    return session !== undefined && session !== this.#ownStart && !sessions.isOpen(session)
  }

  #tellSilent(session: string): void {
    const { expiry, checks, at } = this.#state
    for (const id of expiry.livingWith(session))
      if (!checks.isAsked(id)) this.#out.emitAll(checks.setOver(id, lostSession, at.now))
  }

  #back(id: string): Effect[] {
    const { checks, at } = this.#state
    const begun = checks.setOver(id, undefined, at.now)
    return begun.length > 0 ? begun : checks.check(id, at.now)
  }

  #over(session: string): void {
    const { expiry, crashes, records, at } = this.#state
    const ids = expiry.livingWith(session)
    this.#out.notify({ type: 'session', id: session, change: 'over', instances: ids.length })
    const slugs = new Set(ids.map((id) => records.own('instances', id)?.slug))
    for (const slug of slugs) if (slug !== undefined) crashes.note(slug, at.now)
    for (const id of ids) this.#remove(id, 'its session is over')
  }

  #endLeftBehind(): void {
    const { sessions, expiry, at } = this.#state
    const writes_ms = at.now - (this.#writesSince ?? at.now)
    for (const session of expiry.sessions()) {
      if (sessions.has(session) || session === this.#ownStart || !isLeftBehind(session, writes_ms)) continue
      for (const id of expiry.livingWith(session)) this.#remove(id, 'its program did not register it again')
    }
  }

  #endByThemselves(): void {
    const { expiry, checks, records, at } = this.#state
    for (const id of expiry.mortal()) expiry.noteHealth(id, checks.confirmed(id), at.now)
    const { expired, over, ill } = expiry.tick(at.now)
    for (const id of expired) {
      const ttl = records.own('instances', id)?.ttl ?? ''
      this.#out.emitAll(checks.setOver(id, notRenewed(ttl), at.now))
    }
    for (const id of over) this.#remove(id, 'it was not renewed')
    for (const id of ill) this.#remove(id, 'it was ill for as long as it wanted to be kept')
  }

  #remove(id: string, why: string): void {
    const { records, writes, at } = this.#state
    const record = records.own('instances', id)
    if (record === undefined) return
    const { slug, url } = record
    writes.endOwn(id, at.wall)
    this.#out.notify({ type: 'instance-ended', id, ...(slug !== undefined && { slug }), url, why })
  }

  /** Of nodes that stay away. Who sees only a part of the cluster says nothing of the rest, and has not seen who was away. */
  #endAbandoned(): void {
    const { abandoned, liveness, records, writes, phase, self, at } = this.#state
    if (!abandoned.isLookDue(at.now) || phase.name !== 'ready') return
    const { membership } = liveness
    if (!this.#seesHalf()) return abandoned.beginAnew()
    for (const owner of [...abandoned.owners()]) {
      const member = membership.member(owner)
      if (member === undefined) continue
      const turn = membership.observersOf(member).indexOf(self)
      for (const id of abandoned.due(owner, member, turn, at.now)) {
        const record = records.union.records(id).get(owner)
        abandoned.note(owner, id, undefined, at.now)
        if (record !== undefined && !records.union.isRemoved(record)) writes.remove(id, record.n)
      }
    }
  }

  /** Of all that were ever there and have not left for good, however long ago they were last seen: whoever is cut off must not get used to it. */
  #seesHalf(): boolean {
    let [others, seen] = [0, 0]
    for (const { state, isMet } of this.#state.liveness.membership.members()) {
      if (state === 'left' || !isMet) continue
      others += 1
      if (state === 'alive') seen += 1
    }
    return 2 * (seen + 1) >= others + 1
  }
}

/** Nothing where nothing is said: then that of the session counts. */
function graceSaid({ grace }: Registration): number {
  return (typeof grace === 'string' ? durationOf(grace) : undefined) ?? 0
}
