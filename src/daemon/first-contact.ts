/**
 * Whether a daemon that was told where the cluster is may say that it is ready: once it has met somebody; else before long, since
 * nobody would ever begin where each waits for another; never while somebody there keeps it out. It dials nobody.
 *
 *     met somebody                                              ready
 *     a seed has kept us out: wrong key, another cluster        not ready, until that changes
 *     each seed stands for nobody, or for us alone              ready, alone: this is the first node
 *     none has answered for `patience_ms`                       ready, alone
 *     otherwise                                                 not ready
 */
import type { Unready } from '../core/words/causes.js'
import type { FirstContact } from '../io/network/network.js'
import type { Log } from '../log.js'
import type { End } from './life.js'

/** How long the start waits for a seed to answer. */
const patience_ms = 30_000
/** How often it is looked for a start that ends alone. */
const look_ms = 1000

export interface Standing {
  /** Absent where nothing speaks against being ready. */
  readonly unready?: Unready
  /** Ready all the same, without anybody. */
  readonly alone: boolean
}

/** @param since_ms since the start */
export function standingOf({ hasMet, seeds }: FirstContact, since_ms: number): Standing {
  if (hasMet || seeds.length === 0) return { alone: false }
  const keptOut = seeds.find(({ outcome }) => outcome === 'refused')
  if (keptOut !== undefined)
    return {
      alone: false,
      unready: {
        cause: 'kept-out',
        why: `kept out of the cluster by --join ${keptOut.where}: ${keptOut.error ?? 'no reason'}; what is written here stays on this node`,
      },
    }
  if (seeds.every(({ outcome }) => outcome === 'nobody') || since_ms >= patience_ms) return { alone: true }
  const left_s = Math.ceil((patience_ms - since_ms) / 1000)
  const where = seeds.map((seed) => seed.where).join(', ')
  const why = `joining: no answer from ${where} yet; in ${left_s} s this node is ready without`
  return { alone: false, unready: { cause: 'seeking', why } }
}

/** Tells, once, that it goes on alone. */
export function warnWhenReadyAlone(contact: () => FirstContact, log: Log): End {
  const startedAt = performance.now()
  const timer = setInterval(() => {
    const { seeds, hasMet } = contact()
    const { unready, alone } = standingOf({ seeds, hasMet }, performance.now() - startedAt)
    if (unready !== undefined || (!alone && !hasMet && seeds.length > 0)) return
    clearInterval(timer)
    if (!alone) return
    const why = seeds.map(({ where, error }) => (error === undefined ? where : `${where} (${error})`)).join('; ')
    log.warn(`ready, but alone: nobody else was reached by --join ${why}. It goes on trying`)
  }, look_ms)
  return () => clearInterval(timer)
}
