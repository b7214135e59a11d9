/**
 * What this page knows of its daemon, kept as new as the daemon can afford. It shows nothing.
 */
import type { Definition, Entry, Finding, History, Member, News, Node, Peers, Row, Self, Survey } from './answers.js'
import { ask, askIfKnown, Unanswered } from './asking.js'
import type { View } from './route.js'
import { listen } from './stream.js'
import { Windows } from './windows.js'

const pauses = {
  /** Whether it is there, and how it is. */
  self_ms: 2000,
  /** After news, before everything is read again: more may come. */
  settle_ms: 200,
  rows_ms: 1000,
  /** What changes without news, such as who reaches what. */
  rowsUnasked_ms: 10_000,
  /** Where no news tell of them. */
  rowsUnheard_ms: 2000,
  /** What asks all nodes, while it is looked at, else. */
  surveyShown_ms: 5000,
  doctor_ms: 10_000,
  survey_ms: 30_000,
} as const

/** A big answer is asked for more rarely: at most one part in so many of the daemon's time goes into it. */
const share = 20

const newsKept = 1000

/** Two clocks are the same that differ by less. */
const tolerated_ms = 5000

/** Undefined: not known yet, or not to this daemon. */
export interface Known {
  self?: Self
  peers?: Peers
  members: readonly Member[]
  rows?: readonly Row[]
  nodes: readonly Node[]
  definitions: readonly Definition[]
  survey?: Survey
  findings?: readonly Finding[] | undefined
  /** The doctor was asked, and gave no answer. */
  isDoctorSilent?: boolean
  entries: readonly Entry[]
  /** How far back the entries go. */
  entriesFrom?: string
  news: readonly News[]
  /** By so much the clock of its daemon is ahead of the browser's, where people would notice. */
  clockAhead_ms?: number
}

/** What is asked again and again, each at its own pace. */
type Part = 'self' | 'rows' | 'nodes' | 'definitions' | 'survey' | 'doctor' | 'history'

/** Where nothing asks for it sooner. */
const pauseByPart: Readonly<Record<Part, number>> = {
  self: pauses.self_ms,
  rows: pauses.rowsUnasked_ms,
  nodes: pauses.rowsUnasked_ms,
  definitions: pauses.rowsUnasked_ms,
  doctor: pauses.doctor_ms,
  survey: pauses.survey_ms,
  history: pauses.survey_ms,
}

export class Held {
  readonly known: Known = { members: [], nodes: [], definitions: [], entries: [], news: [] }
  /** When this page was opened. */
  readonly opened_ms = Date.now()
  /** When each was answered last, by `performance.now`. */
  readonly #answered = new Map<Part, number>()
  readonly #took = new Map<Part, number>()
  readonly #due = new Map<Part, number>()
  readonly #asking = new Set<Part>()
  /** What it does not know, until it may be another one. */
  readonly #missing = new Set<Part>()
  readonly #changed: () => void
  #shown: View = 'services'
  readonly #windows = new Windows()
  /** Others listen: until it is shown anew this window asks. */
  #isCrowdedOut = false
  #listening: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Why there is no answer; `since_ms` by the clock. */
  trouble: { readonly since_ms: number; readonly why: string; readonly asksForToken: boolean } | undefined
  #heard_ms = Date.now()

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** How long ago that was answered; undefined where it never was. */
  ageOf(part: Part): number {
    const at = this.#answered.get(part)
    return at === undefined ? 0 : performance.now() - at
  }

  /** When the daemon was last heard, by the clock. */
  get heard_ms(): number {
    return this.#heard_ms
  }

  get isLive(): boolean {
    return this.#listening !== undefined && this.trouble === undefined
  }

  show(view: View): void {
    if (view === this.#shown) return
    this.#shown = view
    if (view === 'reach') this.#want('survey', 0)
    if (view === 'changes') this.#want('history', 0)
  }

  /** A tab that nobody sees keeps no connection: browsers have six for each server. */
  pause(): void {
    clearTimeout(this.#timer)
    this.#listening?.abort()
    this.#listening = undefined
    this.#windows.end()
  }

  resume(): void {
    this.#missing.clear()
    this.#isCrowdedOut = false
    for (const part of ['self', 'rows', 'nodes', 'definitions', 'survey', 'doctor', 'history'] as const)
      this.#want(part, 0)
    this.#tick()
  }

  #want(part: Part, inTime_ms: number): void {
    this.#due.set(part, Math.min(this.#due.get(part) ?? Number.POSITIVE_INFINITY, performance.now() + inTime_ms))
  }

  #tick(): void {
    clearTimeout(this.#timer)
    const now = performance.now()
    for (const [part, at] of this.#due) {
      // While it is away it is asked for one thing alone.
      if (at > now || this.#asking.has(part) || (this.trouble !== undefined && part !== 'self')) continue
      this.#due.delete(part)
      if (!this.#missing.has(part)) void this.#ask(part)
    }
    this.#timer = setTimeout(() => this.#tick(), 100)
  }

  async #ask(part: Part): Promise<void> {
    this.#asking.add(part)
    const begun = performance.now()
    try {
      await this.#read(part)
      this.#answered.set(part, performance.now())
      this.#heard()
    } catch (error) {
      this.#failed(part, error)
    }
    this.#took.set(part, performance.now() - begun)
    this.#asking.delete(part)
    this.#want(part, this.#pauseOf(part))
    this.#changed()
  }

  #pauseOf(part: Part): number {
    return Math.max(this.#plainPauseOf(part), share * (this.#took.get(part) ?? 0))
  }

  #plainPauseOf(part: Part): number {
    const isShown = (part === 'survey' && this.#shown === 'reach') || (part === 'history' && this.#shown === 'changes')
    if (isShown) return pauses.surveyShown_ms
    return part === 'rows' && this.#isCrowdedOut ? pauses.rowsUnheard_ms : pauseByPart[part]
  }

  async #read(part: Part): Promise<void> {
    const { known } = this
    if (part === 'self') {
      const [self, peers, { members }] = await Promise.all([
        ask<Self>('v1/self'),
        ask<Peers>('v1/peers'),
        ask<{ members: readonly Member[] }>('v1/members'),
      ])
      Object.assign(known, { self, peers, members })
    } else if (part === 'rows') {
      known.rows = (await ask<{ instances: readonly Row[] }>('v1/instances')).instances
    } else if (part === 'nodes') {
      known.nodes = (await ask<{ nodes: readonly Node[] }>('registry-svc/nodes', 'POST')).nodes
    } else if (part === 'definitions') {
      known.definitions = (await ask<{ definitions: readonly Definition[] }>('registry-svc/definitions')).definitions
    } else if (part === 'survey') {
      known.survey = await ask<Survey>('v1/survey')
    } else if (part === 'doctor') {
      const { at, findings } = await ask<{ at: string; findings: readonly Finding[] }>('v1/doctor')
      Object.assign(known, { findings, isDoctorSilent: false })
      this.#noteClock(at)
    } else {
      const history = await askIfKnown<History>('v1/history?limit=500')
      if (history === undefined) this.#missing.add(part)
      Object.assign(known, { entries: history?.entries ?? [], entriesFrom: history?.from })
    }
  }

  /** To a second or so: an answer is some time on its way. */
  #noteClock(at: string): void {
    const apart_ms = Date.parse(at) - Date.now()
    this.known.clockAhead_ms = Math.abs(apart_ms) < tolerated_ms || Number.isNaN(apart_ms) ? 0 : apart_ms
  }

  #heard(): void {
    this.#heard_ms = Date.now()
    const wasAway = this.trouble !== undefined
    this.trouble = undefined
    if (wasAway) this.resume()
    if (this.#listening === undefined && !this.#isCrowdedOut) void this.#listen()
  }

  /** Of what else is asked a failure says little: whoever is there may be busy. */
  #failed(part: Part, error: unknown): void {
    const { status = 0, message = String(error), asksForToken = false } = error instanceof Unanswered ? error : {}
    if (part === 'doctor') Object.assign(this.known, { findings: undefined, isDoctorSilent: true })
    if (part !== 'self' && !asksForToken) {
      if (status === 0) this.#want('self', 0)
      return
    }
    if (status === 503 && this.known.self !== undefined) return
    this.trouble ??= { since_ms: this.#heard_ms, why: message, asksForToken }
    if (this.trouble.asksForToken !== asksForToken) this.trouble = { ...this.trouble, why: message, asksForToken }
    this.#listening?.abort()
  }

  async #listen(): Promise<void> {
    const listening = new AbortController()
    this.#listening = listening
    this.#windows.begin(() => {
      this.#isCrowdedOut = true
      listening.abort()
    })
    await listen((news) => this.#take(news), listening.signal).catch(() => undefined)
    if (this.#listening !== listening) return
    this.#listening = undefined
    this.#windows.end()
    if (!listening.signal.aborted) this.#want('self', 0)
  }

  #take(news: readonly News[]): void {
    this.#heard_ms = Date.now()
    const told = news.filter(({ type }) => type === 'member' || type === 'instance')
    if (news.length === 0) return
    this.known.news = [...this.known.news, ...told].slice(-newsKept)
    this.known.rows = patched(this.known.rows, told)
    const since = this.ageOf('rows')
    const least = Math.max(pauses.rows_ms, share * (this.#took.get('rows') ?? 0))
    this.#want('rows', Math.max(pauses.settle_ms, least - since))
    if (told.some(({ type }) => type === 'member')) {
      for (const part of ['self', 'nodes', 'doctor', 'survey'] as const) this.#want(part, pauses.settle_ms)
    }
    if (told.some(({ type }) => type === 'instance')) this.#want('history', pauses.rows_ms)
    this.#changed()
  }
}

/** What the news say of an instance counts until its whole record is read again. */
function patched(rows: readonly Row[] | undefined, news: readonly News[]): readonly Row[] | undefined {
  const byId = new Map(
    news.flatMap((one) => (one.type === 'instance' && one.change === 'changed' ? [[one.id, one] as const] : [])),
  )
  if (rows === undefined || byId.size === 0) return rows
  return rows.map((row) => {
    const one = row.visible ? byId.get(row.id) : undefined
    if (one?.instance === undefined) return row
    const { details: _, lastHeartbeat: __, ...rest } = row
    const { status, details } = one.instance
    return { ...rest, status, ...(details !== undefined && { details }) }
  })
}
