/**
 * When each of this daemon's own instances is to be checked. What a check changes is written here, too. The checking itself is
 * IO.
 *
 * Regular checks are spread over the interval by the id, so that never all are done at the same moment; what was held up (by a stall of
 * ours, say) follows over half a second.
 */
import { BoundedMap } from '../basics/bounded-map.js'
import { type Check, checkOfRecord, defaultCheck, isAsked } from '../model/check.js'
import type { CheckResult, Effect, LineNews } from '../effects.js'
import { RegistryError } from '../model/errors.js'
import type { InstanceRecord, InstanceStatus, Registration } from '../model/model.js'
import type { Records } from '../records/records.js'
import { isSamePlace, joinUserinfo } from '../model/url.js'
import { Agenda } from './agenda.js'
import { CheckSecrets, type Secrets } from './check-secrets.js'
import { Condition, type Falls } from './condition.js'
import { KeptLines } from './kept-lines.js'
import { type Suspecting, Suspicions } from './suspicions.js'

/**
 * What may change soon is soon asked about again, wherever that is sooner than the next regular check: bad news, since a service
 * registers before it listens, starts anew, stalls for a moment; and what a threshold waits for.
 */
const askAgainAfter_ms: readonly number[] = [1000, 2000, 4000]
/** Checks that have begun just now; the others wait here, where they cost nothing. */
const atOnce = 256
/** Whom nobody answers within this keeps nobody else waiting. */
const placeFor_ms = 500
/** All that are under way, however long they have been. */
const underWayLimit = 4096
/** A program that is killed closes one thing after the other: what answered just after the first of them is asked once more. */
const afterEnd_ms = 100
/** Of those who are gone how often they fell ill is remembered. */
const goneKept = 10_000
/** What an instance said of itself to an earlier run of ours stands for so long. */
const restoredTold_ms = 30_000

/** One registration of ours, as it is being watched. */
interface Course {
  readonly n: number
  readonly url: string
  readonly check: Check
  readonly condition: Condition
  readonly falls: Falls
  /** How often it was asked again; absent: nothing is about to change. */
  asked: number | undefined
  checkAt: number
}

interface UnderWay {
  readonly n: number
  readonly since: number
  /** How long after it was due it began. */
  readonly late_ms: number
  /** Something happened since it began: what it finds may be from before that. */
  isStale: boolean
}

/** Why an instance is shown as it is: what checks find, what it says of itself, that what it lives with is over. */
export type StatusCause = 'check' | 'report' | 'ending'

/** What an instance says of itself. */
export interface Saying {
  readonly status: InstanceStatus
  readonly details?: string
  /** For how long; absent: until it says something else. */
  readonly for_ms?: number
}

export class HealthChecks {
  readonly #records: Records
  readonly #courses = new Map<string, Course>()
  readonly #agenda = new Agenda()
  readonly #underWay = new Map<string, UnderWay>()
  /** Of these those that have begun just now, in order of time. */
  readonly #fresh = new Map<string, number>()
  /** Since when each has been due. */
  readonly #waiting = new Map<string, number>()
  /** What those live with is over, in words: whatever a check finds, they are not to be called. */
  readonly #over = new Map<string, string>()
  readonly #fallsOfGone = new BoundedMap<string, Falls>(goneKept)
  readonly #lines = new KeptLines()
  readonly #suspicions = new Suspicions()
  readonly #secrets: CheckSecrets
  /** How long this daemon has been asleep: no instance is to blame for that. */
  #slept_ms = 0

  /** @param secrets as an earlier run kept them, see `takeSecrets` */
  constructor(records: Records, secrets?: string) {
    this.#records = records
    this.#secrets = new CheckSecrets(secrets)
  }

  // ---- what to check

  /** Checks an instance at once, and from then on regularly: somebody says that it is there. */
  check(id: string, now: number): Effect[] {
    const course = this.#course(id, now)
    if (course === undefined) return []
    course.condition.begin(this.#awake(now))
    course.asked = 0
    course.checkAt = this.#regularly(id, course, now)
    const followed = this.#follow(id, course, now)
    return [...followed, ...this.#begin(id, course, now)]
  }

  /** Checks all own instances at once, then regularly. @returns also who is being asked */
  checkAll(now: number): Effect[] {
    return this.#records.ownKeys('instances').flatMap((id) => this.check(id, now))
  }

  /** The own instances whose state only a check can tell. */
  asked(): string[] {
    return this.#records.ownKeys('instances').filter((id) => this.isAsked(id))
  }

  /** Whether only a check can tell how it is. */
  isAsked(id: string): boolean {
    const record = this.#own(id)
    return record !== undefined && isAsked(checkOfRecord(record))
  }

  /** The next time that it looks well, it has to do so for this long before that counts. */
  hold(id: string, for_ms: number, now: number): void {
    this.#course(id, now)?.condition.hold(for_ms)
  }

  /**
   * Somebody could not reach it: it is checked at once, or that is under way; within bounds that no caller can exceed.
   * @param caller whoever says so, by whatever tells callers apart
   */
  suspect(id: string, caller: Suspecting, now: number): { readonly isChecked: boolean; readonly effects: Effect[] } {
    const course = this.#course(id, now)
    if (course === undefined || !isAsked(course.check)) return { isChecked: false, effects: [] }
    const isTaken = this.#suspicions.take(id, caller, now)
    // One that is under way may have asked before the caller was refused: that is looked into once more.
    if (this.isUnderWay(id)) return { isChecked: true, effects: isTaken ? this.#begin(id, course, now) : [] }
    return { isChecked: isTaken, effects: isTaken ? this.#begin(id, course, now) : [] }
  }

  /** Whether it is being checked, or is about to be. */
  isUnderWay(id: string): boolean {
    return this.#underWay.get(id)?.n === this.#own(id)?.n || this.#waiting.has(id)
  }

  /** How long after it was due the check began that is under way. */
  lateness_ms(id: string): number {
    return this.#underWay.get(id)?.late_ms ?? 0
  }

  /** Why it is shown as it is; undefined of what is not ours. */
  causeOf(id: string): StatusCause | undefined {
    const course = this.#courses.get(id)
    if (course === undefined) return this.#own(id) === undefined ? undefined : 'check'
    if (this.#over.has(id)) return 'ending'
    const { condition, check } = course
    const { told, confirmed, shown } = condition
    if (check.question.type === 'reported') return 'report'
    return told?.status === shown.status && confirmed.status !== shown.status ? 'report' : 'check'
  }

  /** What has become of the connection that is kept to an instance. */
  lineNews(id: string, n: number, news: LineNews, now: number): Effect[] {
    const course = this.#course(id, now)
    if (course === undefined || course.n !== n) return []
    const at = this.#lines.told(id, n, news, now)
    if (at > now) {
      course.checkAt = Math.min(course.checkAt, at)
      return this.#follow(id, course, now)
    }
    course.checkAt = Math.min(course.checkAt, now + afterEnd_ms)
    return [...this.#begin(id, course, now), ...this.#follow(id, course, now)]
  }

  /** Own records have changed, or are gone. */
  follow(ids: Iterable<string>, now: number): Effect[] {
    const effects: Effect[] = []
    for (const id of ids) {
      const course = this.#courses.get(id)
      const record = this.#own(id)
      if (record === undefined) effects.push(...this.#drop(id, now))
      else if (course !== undefined) effects.push(...this.#followLine(id, course, record, now))
    }
    return effects
  }

  tick(now: number): Effect[] {
    // However short an interval is, all are done within half a second.
    const most = 8 + Math.ceil(this.#agenda.size / 5)
    const trouble = this.#lines.takeTrouble(now)
    const begun = this.#waiting.size === 0 ? [] : this.#beginWaiting(now)
    const due = this.#agenda.take(now, most).flatMap((id) => {
      const course = this.#course(id, now)
      if (course === undefined) return []
      if (!isAsked(course.check)) this.#show(id, course, now)
      const dueAt = course.checkAt
      const isDue = dueAt <= now
      if (isDue) course.checkAt = this.#regularly(id, course, now)
      return [...(isDue ? this.#begin(id, course, now, dueAt) : []), ...this.#follow(id, course, now)]
    })
    const told: Effect[] =
      trouble === undefined ? [] : [{ type: 'notify', event: { type: 'warning', message: trouble } }]
    return [...told, ...begun, ...due]
  }

  /** This daemon was asleep for so long. */
  forgive(slept_ms: number): void {
    this.#slept_ms += slept_ms
  }

  /** The time that this daemon has lived through. */
  #awake(now: number): number {
    return now - this.#slept_ms
  }

  /** One check of a registration is enough, unless something happened since it began. */
  #begin(id: string, course: Course, now: number, dueAt = now): Effect[] {
    if (!isAsked(course.check)) {
      this.#show(id, course, now)
      return []
    }
    const underWay = this.#underWay.get(id)
    if (underWay?.n === course.n) {
      underWay.isStale ||= underWay.since < now
      return []
    }
    if (!this.#mayBegin) {
      this.#waiting.set(id, Math.min(dueAt, this.#waiting.get(id) ?? dueAt))
      return []
    }
    const { n } = course
    this.#underWay.set(id, { n, since: now, late_ms: now - dueAt, isStale: false })
    this.#fresh.delete(id)
    this.#fresh.set(id, now)
    const { url, check = defaultCheck } = this.#own(id) as InstanceRecord
    const { headers, userinfo } = this.#secrets.of(id) ?? {}
    const asked = { url: joinUserinfo(url, userinfo), check, ...(headers !== undefined && { headers }) }
    return [{ type: 'check', id, n, ...asked }]
  }

  get #mayBegin(): boolean {
    return this.#fresh.size < atOnce && this.#underWay.size < underWayLimit
  }

  #beginWaiting(now: number): Effect[] {
    const begun: Effect[] = []
    for (const [id, since] of this.#fresh) {
      if (now - since < placeFor_ms) break
      this.#fresh.delete(id)
    }
    for (const [id, dueAt] of this.#waiting) {
      if (!this.#mayBegin) break
      this.#waiting.delete(id)
      const course = this.#course(id, now)
      if (course !== undefined) begun.push(...this.#begin(id, course, now, dueAt))
    }
    return begun
  }

  // ---- what came of it

  checked(id: string, n: number, result: CheckResult, now: number): Effect[] {
    const underWay = this.#underWay.get(id)
    if (underWay?.n === n) {
      this.#underWay.delete(id)
      this.#fresh.delete(id)
    }
    const begun = this.#beginWaiting(now)
    const course = this.#course(id, now)
    if (course === undefined || course.n !== n) return begun
    const before = course.condition.shown.status
    const isAwaited = course.condition.found(result, this.#awake(now))
    this.#show(id, course, now)
    this.#askAgain(course, { result, isAwaited, isNews: course.condition.shown.status !== before, now })
    const again = underWay?.isStale === true ? this.#begin(id, course, now) : []
    return [...begun, ...again, ...this.#follow(id, course, now)]
  }

  /** Other bad news meanwhile does not begin anew: whatever an instance does, it costs a few checks an interval. */
  #askAgain(
    course: Course,
    what: {
      readonly result: CheckResult
      readonly isAwaited: boolean
      readonly isNews: boolean
      readonly now: number
    },
  ): void {
    const { result, isAwaited, isNews, now } = what
    if (result.status === 'Healthy' && !isAwaited) course.asked = undefined
    else if (isNews || isAwaited) course.asked ??= 0
    if (course.asked === undefined) return
    const pause_ms = askAgainAfter_ms[course.asked]
    course.asked = pause_ms === undefined ? undefined : course.asked + 1
    if (pause_ms !== undefined) course.checkAt = now + Math.min(pause_ms, course.check.interval_ms)
  }

  /**
   * What an instance says of itself: the worse of that and what checks find is what counts.
   * @throws RegistryError `not-found` where its home is not here
   */
  tell(id: string, { status, details, for_ms }: Saying, now: number): Effect[] {
    const course = this.#course(id, now)
    if (course === undefined) throw new RegistryError('not-found', `id: no instance ${JSON.stringify(id)} of this node`)
    const until = for_ms === undefined ? {} : { until: this.#awake(now) + for_ms }
    course.condition.tell({ status, ...(details !== undefined && { details }), ...until })
    this.#show(id, course, now)
    return this.#follow(id, course, now)
  }

  /** What it said of itself does not count any more. */
  forgetTold(id: string, now: number): Effect[] {
    const course = this.#course(id, now)
    if (course === undefined) return []
    course.condition.tell(undefined)
    this.#show(id, course, now)
    return this.#follow(id, course, now)
  }

  /**
   * What an instance lives with is over, in words of which the first stand, or, without these, is back.
   * @returns a check, where it is back
   */
  setOver(id: string, details: string | undefined, now: number): Effect[] {
    const course = this.#course(id, now)
    if (details === undefined) {
      if (!this.#over.delete(id)) return []
      if (course !== undefined) this.#show(id, course, now, true)
      return this.check(id, now)
    }
    if (course === undefined || this.#over.has(id)) return []
    this.#over.set(id, details)
    this.#show(id, course, now)
    return []
  }

  /** What the checks of an instance alone have come to by now; of one that reports itself, what it has said. */
  confirmed(id: string): InstanceStatus | undefined {
    const course = this.#courses.get(id)
    if (course === undefined) return undefined
    const { condition, check } = course
    return (check.question.type === 'reported' ? condition.told : condition.confirmed)?.status
  }

  /** In words, where an instance of ours looks better than it is shown, since it fell ill repeatedly. */
  recovering(id: string): string | undefined {
    const course = this.#courses.get(id)
    if (course === undefined || !course.condition.isRecovering || this.#over.has(id)) return undefined
    return 'recovering: it looks well, and has to stay so for a while before that counts'
  }

  /** Nothing is known of how these are. */
  forget(ids: Iterable<string>): void {
    for (const id of ids) {
      this.#courses.get(id)?.condition.forget()
      const record = this.#own(id)
      if (record !== undefined && record.status !== 'Unknown') this.#write(record, { status: 'Unknown' })
    }
  }

  /** Nothing is known of any own instance: what was said of them is from another time. */
  startOver(now: number): Effect[] {
    this.forget(this.#records.ownKeys('instances'))
    return this.checkAll(now)
  }

  // ---- what proves who asks

  /**
   * What a registration says that no record carries. What was said to prove who asks is told to nobody else: where the url leads elsewhere
   * now, it has to be said again.
   * @param userinfo `user:password` of its url
   * @throws RegistryError `too-large`
   */
  secretsAfter(id: string, registration: Registration, userinfo: string | undefined): Secrets {
    const known = this.#own(id)?.url
    return this.#secrets.after(id, registration, userinfo, known !== undefined && !isSamePlace(known, registration.url))
  }

  /** Such a registration counts. */
  keepSecrets(id: string, secrets: Secrets): void {
    this.#secrets.keep(id, secrets)
  }

  /** What has to be kept on disk, for its owner alone, where that has changed. */
  takeSecrets(): string | undefined {
    return this.#secrets.takeText((id) => this.#own(id) !== undefined)
  }

  // ---- a registration and its course

  /** As its record is now: another registration is another course, but for what the same instance is remembered for. */
  #course(id: string, now: number): Course | undefined {
    const record = this.#own(id)
    const known = this.#courses.get(id)
    if (record === undefined) return undefined
    if (known?.n === record.n) {
      if (!this.#over.has(id)) known.condition.follow(resultOf(record))
      return known
    }
    const check = checkOfRecord(record)
    const falls = known?.falls ?? this.#fallsOfGone.get(id) ?? []
    this.#fallsOfGone.delete(id)
    const restoredUntil = this.#awake(now) + restoredTold_ms
    const condition = new Condition(check, { shown: resultOf(record), falls, restoredUntil })
    if (known?.url === record.url) condition.tell(known.condition.told)
    const course = { n: record.n, url: record.url, check, condition, falls, asked: undefined, checkAt: now }
    this.#courses.set(id, course)
    return course
  }

  /** It is gone. */
  #drop(id: string, now: number): Effect[] {
    const falls = this.#courses.get(id)?.falls ?? []
    if (falls.length > 0) this.#fallsOfGone.set(id, falls)
    this.#courses.delete(id)
    this.#agenda.delete(id)
    this.#waiting.delete(id)
    this.#over.delete(id)
    this.#secrets.forget(id)
    return this.#lines.follow(id, undefined, 'Unknown', now)
  }

  /** When it is looked at next; what follows for the connection that is kept to it. */
  #follow(id: string, course: Course, now: number): Effect[] {
    const record = this.#own(id)
    if (record === undefined) return []
    const effects = this.#followLine(id, course, record, now)
    const dueAt = course.condition.dueAt(this.#awake(now)) + this.#slept_ms
    if (isAsked(course.check)) course.checkAt = Math.min(course.checkAt, dueAt)
    const at = isAsked(course.check) ? Math.min(course.checkAt, this.#lines.dueAt(id)) : dueAt
    this.#agenda.set(id, at)
    return effects
  }

  #followLine(id: string, { condition }: Course, record: InstanceRecord, now: number): Effect[] {
    return this.#lines.follow(id, record, condition.confirmed.status, now)
  }

  /** The next regular check: the same moment of each interval for the same id. */
  #regularly(id: string, { check: { interval_ms } }: Course, now: number): number {
    const phase_ms = hashOf(id) % interval_ms
    return (Math.floor((now - phase_ms) / interval_ms) + 1) * interval_ms + phase_ms
  }

  /** A status is written only where it changes; `isAnew`: what is written says why it was hidden, and is over. */
  #show(id: string, { condition }: Course, now: number, isAnew = false): void {
    const record = this.#own(id)
    if (record === undefined) return
    const over = this.#over.get(id)
    const shown = condition.weigh(this.#awake(now))
    const saysWhy = shown.status === 'Unknown' && record.details === undefined && shown.details !== undefined
    if (over === undefined && (isAnew || saysWhy || record.status !== shown.status)) return this.#write(record, shown)
    if (over !== undefined && (record.status !== 'Unreachable' || record.details !== over))
      this.#write(record, { status: 'Unreachable', details: over })
  }

  /** As it is staged: the union follows at once. */
  #own(id: string): InstanceRecord | undefined {
    return this.#records.union.records(id).get(this.#records.self)
  }

  #write(record: InstanceRecord, { status, details }: CheckResult): void {
    const { details: _, ...rest } = record
    this.#records.stage('instances', record.id, { ...rest, status, ...(details !== undefined && { details }) })
  }
}

function resultOf({ status, details }: InstanceRecord): CheckResult {
  return { status, ...(details !== undefined && { details }) }
}

/** FNV-1a (Fowler, Noll, Vo): any spread will do. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
