/**
 * All that this node sees of the others, read a little at a time: of thousands it is work, so it is told again while it is young.
 */
import type { Steps } from '../core/basics/steps.js'
import type { DigestView, MemberView, PeersView, SelfView } from '../core/views.js'
import type { Work } from './in-turns.js'
import { membersView, peersView, type ViewParts } from './views.js'

export interface Overview {
  readonly self: SelfView
  readonly members: readonly MemberView[]
  readonly peers: PeersView
  readonly digest: DigestView
  /** Unix milliseconds: when it was begun. */
  readonly wall: number
}

/**
 * So many times as long as it took it is told again: whoever asks without end gets no more than that share of the event loop. No longer
 * than that, whatever kept this machine from looking.
 */
const [keptFor, keptAtMost_ms] = [50, 3000]

export interface OverviewParts extends ViewParts {
  readonly self: () => SelfView
}

/** @returns looks, unless somebody does or has just done so */
export function overlooking(parts: OverviewParts, work: Work): () => Promise<Overview> {
  let last: Promise<Overview> | undefined
  let goodUntil = Number.POSITIVE_INFINITY
  return () => {
    if (last !== undefined && performance.now() < goodUntil) return last
    goodUntil = Number.POSITIVE_INFINITY
    last = work(overview(parts)).then(
      ({ value, took_ms }) => {
        goodUntil = performance.now() + Math.min(keptFor * took_ms, keptAtMost_ms)
        return value
      },
      (error: unknown) => {
        last = undefined
        throw error
      },
    )
    return last
  }
}

function* overview(parts: OverviewParts): Steps<Overview> {
  const { wall } = parts.engine.now()
  const self = parts.self()
  yield
  const members = yield* membersView(parts)
  const peers = yield* peersView(parts)
  const digest = yield* parts.registry.read.digestInSteps()
  return { self, members, peers, digest, wall }
}
