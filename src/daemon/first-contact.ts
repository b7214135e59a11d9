/**
 * Whether a daemon that was told where the cluster is may say that it is ready: once it holds what those hold whom it has met; else
 * before long, since nobody would ever begin where each waits for another; never while somebody there keeps it out. It dials nobody.
 *
 *     met somebody      what those hold is here                 ready
 *                       not all, or a seed is not tried yet     not ready; after `patience_ms` ready, behind
 *     nobody, and       it was told of nobody                   ready
 *                       another seed may still let us in        not ready, for `trying_ms`
 *                       a seed says no: wrong key, full, …      not ready, until that changes
 *                       each seed leads to nobody, or to us     ready, alone: this is the first node
 *                       none has answered for `patience_ms`     ready, alone
 *                       otherwise                               not ready
 *
 * Whoever was ready stays so, whomever it meets then: what is new to it is news like any other.
 */
import type { BeginningStage } from '../core/effects.js'
import type { Unready } from '../core/words/causes.js'
import type { FirstContact } from '../io/network/network.js'
import type { Log } from '../log.js'
import type { End } from './life.js'

/** How long the start waits for a seed to answer, and for what those hold who have. */
const patience_ms = 30_000
/** Where somebody is met a seed that has not been tried by then is gone: a dial of one that is there takes no second. */
const trying_ms = 3000
/** How often it is looked for a start that ends alone. */
const look_ms = 1000

export interface Standing {
  /** Absent where nothing speaks against being ready. */
  readonly unready?: Unready
  /** Ready all the same, without anybody. */
  readonly alone: boolean
  /** Ready all the same, without all that others hold. */
  readonly behind: boolean
}

const fine: Standing = { alone: false, behind: false }

/**
 * @param behind why those who were met may hold more than is here, if they may
 * @param since_ms since the start
 */
export function standingOf({ hasMet, seeds }: FirstContact, behind: Unready | undefined, since_ms: number): Standing {
  const left_s = Math.ceil((patience_ms - since_ms) / 1000)
  const untilThen = `in ${left_s} s this node is ready without`
  if (hasMet) {
    const untried = untriedOf(seeds, since_ms)
    const why = behind?.why ?? (untried.length === 0 ? undefined : `joining: no answer from ${placesOf(untried)} yet`)
    if (why === undefined) return fine
    if (left_s <= 0) return { ...fine, behind: true }
    return { ...fine, unready: { cause: 'behind', why: `${why}; ${untilThen}` } }
  }
  if (seeds.length === 0) return fine
  const keptOut = seeds.find(({ outcome }) => outcome === 'refused')
  if (keptOut !== undefined && !mayBeLetIn(seeds, since_ms)) {
    const why = `kept out of the cluster by --join ${keptOut.where}: ${keptOut.error ?? 'no reason'}; what is written here stays on this node`
    return { ...fine, unready: { cause: 'kept-out', why } }
  }
  if (seeds.every(({ outcome }) => outcome === 'nobody') || left_s <= 0) return { ...fine, alone: true }
  const why = `joining: no answer from ${placesOf(seeds)} yet; ${untilThen}`
  return { ...fine, unready: { cause: 'seeking', why } }
}

/** Somewhere else, any moment now: not tried yet, or there and not known yet. */
function mayBeLetIn(seeds: FirstContact['seeds'], since_ms: number): boolean {
  return since_ms < trying_ms && seeds.some(({ outcome }) => outcome === 'untried' || outcome === 'reached')
}

function untriedOf(seeds: FirstContact['seeds'], since_ms: number): FirstContact['seeds'] {
  return seeds.filter(({ outcome }) => outcome === 'untried' && since_ms < trying_ms)
}

function placesOf(seeds: FirstContact['seeds']): string {
  return seeds.map(({ where }) => where).join(', ')
}

export interface BeginningParts {
  readonly contact: () => FirstContact
  /** Whether all else is as it has to be. */
  readonly isReady: () => boolean
  readonly behind: () => Unready | undefined
  readonly now: () => number
  /** Told once of each stage that it comes to. */
  readonly tell: (stage: BeginningStage) => void
}

/** The beginning of one daemon, which is over once: with the first moment at which it is ready in all. */
export class Beginning {
  readonly #parts: BeginningParts
  readonly #startedAt: number
  readonly #settled = Promise.withResolvers<void>()
  #isSettled = false
  #isOver = false
  #wasBehind = false
  #told: BeginningStage = 'met'
  /** Resolves once nothing is waited for any more: it is ready, or somebody keeps it out, or it has taken too long. */
  readonly settled = this.#settled.promise

  constructor(parts: BeginningParts) {
    this.#parts = parts
    this.#startedAt = parts.now()
  }

  /** Looks whether it is over: whatever happens may be the end of it. */
  look(): void {
    if (!this.#isOver || !this.#isSettled) this.standing()
    const stage = this.#stage()
    if (stage === this.#told) return
    this.#told = stage
    this.#parts.tell(stage)
  }

  #stage(): BeginningStage {
    if (this.#isOver) return 'over'
    const { contact, now } = this.#parts
    return untriedOf(contact().seeds, now() - this.#startedAt).length > 0 ? 'seeking' : 'met'
  }

  standing(): Standing {
    const contact = this.#parts.contact()
    const behind = this.#parts.behind()
    if (this.#isOver) return this.#standingAfter(contact, behind)
    const since_ms = this.#parts.now() - this.#startedAt
    const standing = standingOf(contact, behind, since_ms)
    this.#isOver = standing.unready === undefined && this.#parts.isReady()
    this.#wasBehind = standing.behind
    if (this.#isOver || standing.unready?.cause === 'kept-out' || since_ms >= patience_ms) this.#settle()
    return standing
  }

  #standingAfter(contact: FirstContact, behind: Unready | undefined): Standing {
    const isBehind = this.#wasBehind && behind !== undefined
    const { unready, alone } = standingOf(contact, undefined, patience_ms)
    return { alone, behind: isBehind, ...(unready !== undefined && { unready }) }
  }

  #settle(): void {
    this.#isSettled = true
    this.#settled.resolve()
  }
}

/** Tells, once, that it goes on without what it waited for. */
export function warnWhenReadyWithout(
  { contact, standing }: { readonly contact: () => FirstContact; readonly standing: () => Standing },
  log: Log,
): End {
  const timer = setInterval(() => {
    const { unready, alone, behind } = standing()
    if (unready !== undefined) return
    clearInterval(timer)
    if (behind)
      log.warn('ready, but behind: what the others hold is not all here after half a minute. It goes on coming')
    if (!alone) return
    const why = contact().seeds.map(({ where, error }) => (error === undefined ? where : `${where} (${error})`))
    log.warn(`ready, but alone: nobody else was reached by --join ${why.join('; ')}. It goes on trying`)
  }, look_ms)
  return () => clearInterval(timer)
}
