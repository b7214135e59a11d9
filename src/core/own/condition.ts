/**
 * How one instance is, made of what checks find, of what it says itself, of how often it was ill lately. It asks nobody.
 *
 *     what a check finds ──▶ confirmed: so many in a row ──┐
 *                                                          ├──▶ the worse of both ──▶ worse: shown at once
 *     what the instance says, until it ends ───────────────┘                          better: once that has lasted
 *
 * How long it has to last is the rule of members (`recovery_ms`), by how often it fell ill within ten minutes.
 */
import type { Check } from '../model/check.js'
import { memory_ms, recovery_ms } from '../basics/damping.js'
import type { CheckResult } from '../effects.js'
import type { InstanceStatus } from '../model/model.js'

/** From good to bad: of two, the later one counts. */
const ranks: Readonly<Record<InstanceStatus, number>> = {
  Healthy: 0,
  Degraded: 1,
  Unknown: 2,
  Error: 3,
  Unreachable: 4,
}

export function isWorse(a: InstanceStatus, b: InstanceStatus): boolean {
  return ranks[a] > ranks[b]
}

/** Of those it was well with, or nearly. */
export function isWell(status: InstanceStatus): boolean {
  return !isWorse(status, 'Degraded')
}

/** What an instance says of itself. */
export interface Told extends CheckResult {
  /** Until when that counts; absent: until it says something else. */
  readonly until?: number
}

/** After these nothing gets longer. */
const fallsKept = 12
const nothingTold: CheckResult = { status: 'Unknown' }
const flaps = 'it flaps, so that it has to stay well for a while before that counts'

/** How often an instance fell ill: outlives its registrations, since a loop of crashes makes many of these. */
export type Falls = number[]

export interface Beginning {
  /** What its record says. */
  readonly shown: CheckResult
  readonly falls: Falls
  /** Until when what it told an earlier run of ours counts, which nobody else knows. */
  readonly restoredUntil: number
}

export class Condition {
  readonly #check: Check
  readonly #falls: Falls
  #confirmed: CheckResult
  #shown: CheckResult
  #told: Told | undefined
  /** Findings in a row that are better, or worse, than what is confirmed. */
  #row = 0
  #isRowWorse = false
  /** So long a check that fails is no news of what was never well. */
  #startsUntil = Number.NEGATIVE_INFINITY
  #betterSince: number | undefined
  #isBetterWell = false
  /** It was well after it last fell ill. Whoever registers before it listens has not fallen ill by that. */
  #hasRisen: boolean
  /** However well it looks, it has to do so for this long, once. */
  #held_ms = 0

  constructor(check: Check, { shown, falls, restoredUntil }: Beginning) {
    this.#check = check
    this.#falls = falls
    this.#shown = shown
    this.#hasRisen = isWell(shown.status)
    this.#confirmed = check.question.type === 'none' ? { status: 'Healthy' } : shown
    if (check.question.type === 'reported' && shown.status !== 'Unknown')
      this.#told = { ...shown, until: restoredUntil }
  }

  /** What its record is to say. */
  get shown(): CheckResult {
    return this.#shown
  }

  /** What its checks alone come to. */
  get confirmed(): CheckResult {
    return this.#confirmed
  }

  get told(): Told | undefined {
    return this.#told
  }

  /** Somebody says that it starts: it is given its time. */
  begin(now: number): void {
    this.#startsUntil = now + this.#check.startPeriod_ms
  }

  /** The next time that it looks well, it has to do so for this long. */
  hold(for_ms: number): void {
    if (this.#shown.status !== 'Healthy') this.#held_ms = for_ms
  }

  /** @returns whether one more finding of this kind may change something */
  found(result: CheckResult, now: number): boolean {
    const { status } = result
    const isFailing = !isWell(status)
    if (isFailing && this.#confirmed.status === 'Unknown' && now < this.#startsUntil) return true
    if (status === this.#confirmed.status) {
      // Why it is not known is said once, for people who ask.
      if (status === 'Unknown' && this.#confirmed.details === undefined) this.#confirmed = result
      this.#row = 0
      return false
    }
    const isWorseNow = isWorse(status, this.#confirmed.status)
    this.#row = isWorseNow === this.#isRowWorse ? this.#row + 1 : 1
    this.#isRowWorse = isWorseNow
    const { failureThreshold, successThreshold } = this.#check
    if (this.#row < (isWorseNow ? failureThreshold : successThreshold)) return true
    this.#row = 0
    this.#confirmed = result
    return false
  }

  /** What it says of itself, or, without that, that it says nothing. */
  tell(told: Told | undefined): void {
    this.#told = told
  }

  /** What follows from all that by now, and is shown from now on. */
  weigh(now: number): CheckResult {
    if (this.#told?.until !== undefined && now >= this.#told.until) this.#told = undefined
    const wanted = this.#wanted()
    const saysWhy = wanted.status === 'Unknown' && this.#shown.details === undefined && wanted.details !== undefined
    if (this.#shown.status === 'Unknown' && saysWhy) this.#shown = wanted
    if (wanted.status === this.#shown.status || isWorse(wanted.status, this.#shown.status))
      this.#betterSince = undefined
    if (isWorse(wanted.status, this.#shown.status)) this.#fall(wanted, now)
    if (isWorse(this.#shown.status, wanted.status)) this.#rise(wanted, now)
    return this.#shown
  }

  /** The worse of what it says and what checks find; whoever reports alone is not checked. */
  #wanted(): CheckResult {
    const told = this.#told
    if (this.#check.question.type === 'reported') return told === undefined ? nothingTold : resultOf(told)
    return told === undefined || isWorse(this.#confirmed.status, told.status) ? this.#confirmed : resultOf(told)
  }

  #fall(wanted: CheckResult, now: number): void {
    // That this machine could not look is not the fault of the instance.
    const isOurs = wanted.status === 'Unknown' && this.#check.question.type !== 'reported'
    if (this.#hasRisen && !isOurs) {
      this.#falls.push(now)
      this.#falls.splice(0, this.#falls.length - fallsKept)
      this.#hasRisen = false
    }
    this.#shown = !isOurs && this.#recentFalls(now) > 1 ? flapping(wanted) : wanted
  }

  #rise(wanted: CheckResult, now: number): void {
    // That it is no worse than ill does not count as looking well.
    if (isWell(wanted.status) !== this.#isBetterWell) this.#betterSince = undefined
    this.#isBetterWell = isWell(wanted.status)
    this.#betterSince ??= now
    if (now - this.#betterSince < this.#recovery_ms(now)) return
    this.#shown = wanted
    this.#hasRisen ||= isWell(wanted.status)
    this.#held_ms = 0
    this.#betterSince = undefined
  }

  /** Whoever registers anew is not yet what its falls say, unless these are several. */
  #recovery_ms(now: number): number {
    const falls = this.#recentFalls(now)
    const isDamped = falls > 1 || (falls === 1 && this.#shown.status !== 'Unknown')
    return Math.max(this.#held_ms, isDamped ? recovery_ms(falls) : 0)
  }

  #recentFalls(now: number): number {
    while (this.#falls[0] !== undefined && now - this.#falls[0] >= memory_ms) this.#falls.shift()
    return this.#falls.length
  }

  /** It looks better than it is shown, which has to last for a while. */
  get isRecovering(): boolean {
    return this.#betterSince !== undefined
  }

  /** When the clock alone may change what is shown; infinite for never. */
  dueAt(now: number): number {
    const betterAt = this.#betterSince === undefined ? undefined : this.#betterSince + this.#recovery_ms(now)
    return Math.min(betterAt ?? Number.POSITIVE_INFINITY, this.#told?.until ?? Number.POSITIVE_INFINITY)
  }

  /** Its record says something else: somebody else wrote it. */
  follow(shown: CheckResult): void {
    if (shown.status === this.#shown.status) return
    this.#shown = shown
    if (this.#check.question.type !== 'none') this.#confirmed = shown
    this.#row = 0
    this.#betterSince = undefined
  }

  /** Nothing is known of it. */
  forget(): void {
    this.#told = undefined
    this.follow({ status: 'Unknown' })
  }
}

function resultOf({ status, details }: Told): CheckResult {
  return { status, ...(details !== undefined && { details }) }
}

function flapping({ status, details }: CheckResult): CheckResult {
  return { status, details: details === undefined ? flaps : `${details}; ${flaps}` }
}
