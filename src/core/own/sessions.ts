/**
 * The sessions of programs at this daemon: who has opened one, whether its line stands, when it is over. What lives with a session
 * it does not know.
 *
 *     open ──its line closes, or no word for 10 s──▶ lost ──grace──▶ over
 *      ▲                                              │
 *      ├────────────opened again by its secret────────┤
 *      └────────────a word, while its line stands─────┘
 *     restored from disk ──30 s after this daemon is ready──▶ over
 */
import type { Crypto } from '../effects.js'
import { RegistryError } from '../model/errors.js'
import { defaultGrace_ms, sessionPace } from '../model/lifetime.js'
import { hex, readObject } from '../model/model.js'
import type { SessionView } from '../views.js'

/** A line may close and open again: until then what nobody can check is not taken off the lists. */
export const reopening_ms = 200
/** A line closes a moment before the port does, or the other way round: a check that was answered is made again. */
const lookAgain_ms = 100
/** How long the programs of an earlier run have to open their sessions again. */
export const restoredGrace_ms = 30_000

export const sessionLimits = { sessions: 4096, instances: 1024 } as const

/** Bytes of the hash of a secret, in hexadecimal digits, that make a public id. */
const idDigits = 12

interface Session {
  readonly id: string
  /** Of the secret, in hexadecimal. */
  readonly hash: string
  /** Whose token opened it; absent where there are none. */
  readonly holder?: string
  /** The longest that was said. */
  grace_ms: number
  /** The line that it stands on; a later one takes its place. */
  line: number | undefined
  heardAt: number
  /** Since when it has no line, or is silent on it; its end is counted from there. */
  lostAt: number | undefined
  isRestored: boolean
  hasLooked: boolean
  isTold: boolean
}

/** What a look at the clock came to: ids of sessions. */
export interface SessionNews {
  /** Nothing was heard of them, so that they are lost from now on. */
  readonly lost: readonly string[]
  /** Lost for a moment now: look again at what lives with them. */
  readonly again: readonly string[]
  /** Lost for so long that what nobody can check counts as gone. */
  readonly silent: readonly string[]
  /** Lost for their grace. */
  readonly over: readonly string[]
}

export type SessionSummary = Omit<SessionView, 'grace' | 'instances'> & { readonly grace_ms: number }

export class Sessions {
  readonly #hash: Crypto['hash']
  readonly #byId = new Map<string, Session>()
  #isNoteDue = false
  #notedAt = Number.NEGATIVE_INFINITY

  /** @param note what an earlier run has left */
  constructor(hash: Crypto['hash'], note: string | undefined, now: number) {
    this.#hash = hash
    for (const [id, fields] of Object.entries(readObject(note ?? '') ?? {})) this.#restore(id, fields, now)
  }

  #restore(id: string, fields: unknown, now: number): void {
    const { hash, holder, grace_ms } = Object(fields) as Record<string, unknown>
    if (typeof hash !== 'string' || !hash.startsWith(id.slice(4)) || this.#byId.size >= sessionLimits.sessions) return
    this.#byId.set(id, {
      id,
      hash,
      ...(typeof holder === 'string' && { holder }),
      grace_ms: typeof grace_ms === 'number' && grace_ms >= 0 ? grace_ms : defaultGrace_ms,
      line: undefined,
      heardAt: Number.NEGATIVE_INFINITY,
      lostAt: now,
      isRestored: true,
      hasLooked: true,
      isTold: true,
    })
  }

  /** Whoever has lost its line has a whole grace from here: it could not come back until now. */
  beginAnew(now: number): void {
    for (const session of this.#byId.values()) if (session.lostAt !== undefined) session.lostAt = now
    this.#isNoteDue ||= this.#byId.size > 0 // it may have been refused as well
  }

  // ---- what programs say

  /**
   * Opens a session, anew or again.
   * @param line names the connection that it stands on; greater than any before
   * @throws RegistryError `not-found` where it was to be opened again and is over; `forbidden` to another token; `too-large`
   */
  open(
    secret: string,
    { line, holder, grace_ms, isNew }: OpenOptions,
    now: number,
  ): { readonly id: string; readonly isBack: boolean } {
    const hash = this.#hashOf(secret)
    const known = this.#byId.get(idOf(hash))
    if (known === undefined || known.hash !== hash) {
      if (!isNew) throw new RegistryError('not-found', 'session: it is over; open a new one, and register again')
      return {
        id: this.#openNew(
          hash,
          { line, grace_ms: grace_ms ?? defaultGrace_ms, ...(holder !== undefined && { holder }) },
          now,
        ),
        isBack: false,
      }
    }
    this.#demandHolder(known, holder)
    if (grace_ms !== undefined) this.#stretch(known, grace_ms)
    Object.assign(known, { line, heardAt: now, lostAt: undefined, isRestored: false })
    return { id: known.id, isBack: true }
  }

  #openNew(
    hash: string,
    { line, holder, grace_ms }: Omit<OpenOptions, 'isNew'> & { readonly grace_ms: number },
    now: number,
  ): string {
    const id = idOf(hash)
    if (this.#byId.size >= sessionLimits.sessions || this.#byId.has(id)) {
      const wayOut = 'one program needs one session for all its instances; open fewer'
      throw new RegistryError('too-large', `session: this daemon has ${this.#byId.size}, and takes no more; ${wayOut}`)
    }
    this.#byId.set(id, {
      ...{ id, hash, grace_ms, line, heardAt: now, lostAt: undefined },
      ...(holder !== undefined && { holder }),
      ...{ isRestored: false, hasLooked: false, isTold: false },
    })
    this.#isNoteDue = true
    return id
  }

  /**
   * The program has spoken. Where it was lost by its silence alone, a word on the line that still stands is enough.
   * @returns whether it was lost, and is back
   * @throws RegistryError `not-found`, `forbidden`; `conflict` where its line is gone: nobody would learn how the program ends
   */
  hear(id: string, secret: string, holder: string | undefined, now: number): boolean {
    const session = this.#demand(id, secret, holder)
    const isLost = session.lostAt !== undefined
    if (isLost && session.line === undefined)
      throw new RegistryError(
        'conflict',
        'session: its stream is gone; open it again by its secret, with POST /v1/sessions',
      )
    Object.assign(session, { heardAt: now, ...(isLost && { lostAt: undefined }) })
    return isLost
  }

  /** Its line has closed. @returns whether that was the one it stands on, and it is lost by that */
  lose(id: string, line: number, now: number): boolean {
    const session = this.#byId.get(id)
    if (session === undefined || session.line !== line) return false
    session.line = undefined
    if (session.lostAt !== undefined) return false // by its silence, from when on its end is counted
    beginLoss(session, now)
    return true
  }

  /** The program ends it. @throws RegistryError `not-found`, `forbidden` */
  end(id: string, secret: string, holder: string | undefined): void {
    this.#drop(this.#demand(id, secret, holder).id)
  }

  /**
   * The session that a registration names by its secret.
   * @throws RegistryError `not-found`, `forbidden`
   */
  named(secret: string, holder: string | undefined): { readonly id: string } {
    const hash = this.#hashOf(secret)
    const session = this.#byId.get(idOf(hash))
    if (session?.hash === hash) {
      this.#demandHolder(session, holder)
      return session
    }
    const hint = this.#byId.has(secret)
      ? 'is the public id; give the secret that opening it has answered'
      : 'there is none of that secret here; open one with POST /v1/sessions, at this daemon'
    throw new RegistryError('not-found', `session: ${hint}`)
  }

  /** It stands for so long after its line, or longer. @returns how long that is */
  keep(id: string, grace_ms: number): number {
    const session = this.#byId.get(id)
    if (session === undefined) return grace_ms
    this.#stretch(session, grace_ms)
    return session.grace_ms
  }

  #stretch(session: Session, grace_ms: number): void {
    if (grace_ms <= session.grace_ms) return
    session.grace_ms = grace_ms
    this.#isNoteDue = true
  }

  #demand(id: string, secret: string, holder: string | undefined): Session {
    const session = this.#byId.get(id)
    if (session === undefined)
      throw new RegistryError('not-found', 'session: it is over; open a new one, and register again')
    if (session.hash !== this.#hashOf(secret))
      throw new RegistryError('forbidden', 'secret: is not that of this session')
    this.#demandHolder(session, holder)
    return session
  }

  #demandHolder(session: Session, holder: string | undefined): void {
    if (session.holder === undefined || session.holder === holder) return
    throw new RegistryError('forbidden', 'session: belongs to the token that opened it')
  }

  // ---- what the clock says

  /** @param mayEnd whether whoever is lost for long may end by that */
  tick(now: number, mayEnd: boolean): SessionNews {
    const news = { lost: [] as string[], again: [] as string[], silent: [] as string[], over: [] as string[] }
    for (const session of this.#byId.values()) {
      if (session.lostAt === undefined && now - session.heardAt >= sessionPace.silence_ms) {
        beginLoss(session, now)
        news.lost.push(session.id)
      }
      if (session.lostAt === undefined) continue
      const age_ms = now - session.lostAt
      if (!session.hasLooked && age_ms >= lookAgain_ms) {
        session.hasLooked = true
        news.again.push(session.id)
      }
      if (!session.isTold && age_ms >= reopening_ms) {
        session.isTold = true
        news.silent.push(session.id)
      }
      if (mayEnd && age_ms >= patienceWith(session)) news.over.push(session.id)
    }
    for (const id of news.over) this.#drop(id)
    return news
  }

  /** This daemon was asleep for so long: time in which it could not hear counts against nobody. */
  forgive(slept_ms: number): void {
    for (const session of this.#byId.values()) {
      session.heardAt += slept_ms
      if (session.lostAt !== undefined) session.lostAt += slept_ms
    }
  }

  has(id: string): boolean {
    return this.#byId.has(id)
  }

  /** Its program is not there now. */
  isLost(id: string): boolean {
    return this.#byId.get(id)?.lostAt !== undefined
  }

  /** For how long its program is not there by now, and when it is over by that. */
  lossOf(id: string, now: number): { readonly age_ms: number; readonly goesIn_ms: number } | undefined {
    const session = this.#byId.get(id)
    if (session?.lostAt === undefined) return undefined
    const age_ms = Math.max(0, Math.round(now - session.lostAt))
    return { age_ms, goesIn_ms: Math.max(0, Math.round(patienceWith(session) - age_ms)) }
  }

  isOpen(id: string): boolean {
    const session = this.#byId.get(id)
    return session !== undefined && session.lostAt === undefined
  }

  get size(): number {
    return this.#byId.size
  }

  list(now: number): SessionSummary[] {
    return [...this.#byId.values()].map(({ id, lostAt, isRestored, holder, grace_ms, heardAt }) => ({
      id,
      state: isRestored ? 'restored' : lostAt === undefined ? 'open' : 'lost',
      ...(holder !== undefined && { holder }),
      grace_ms,
      ...(Number.isFinite(heardAt) && { heardAge_ms: Math.max(0, Math.round(now - heardAt)) }),
    }))
  }

  // ---- what outlives a run

  /** @returns the note, where it is to be written again: not more often than once a second */
  takeNote(now: number): string | undefined {
    if (!this.#isNoteDue || now - this.#notedAt < 1000) return undefined
    this.#isNoteDue = false
    this.#notedAt = now
    const kept = [...this.#byId.values()].map(
      ({ id, hash, holder, grace_ms }) => [id, { hash, holder, grace_ms }] as const,
    )
    return JSON.stringify(Object.fromEntries(kept))
  }

  #drop(id: string): void {
    this.#byId.delete(id)
    this.#isNoteDue = true
  }

  #hashOf(secret: string): string {
    return hex(this.#hash(new TextEncoder().encode(secret)))
  }
}

export interface OpenOptions {
  readonly line: number
  readonly holder?: string | undefined
  /** What is not said is the default of a new one, and stays of one that is opened again. */
  readonly grace_ms?: number | undefined
  /** Without, it is opened again or not at all. */
  readonly isNew: boolean
}

function idOf(hash: string): string {
  return `ses_${hash.slice(0, idDigits)}`
}

function patienceWith({ isRestored, grace_ms }: Session): number {
  return isRestored ? restoredGrace_ms : grace_ms
}

function beginLoss(session: Session, now: number): void {
  Object.assign(session, { lostAt: now, hasLooked: false, isTold: false })
}
