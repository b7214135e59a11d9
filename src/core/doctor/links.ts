/**
 * Looks at what nodes see of each other: who is gone, who is seen by some alone, which links fail, who holds something else.
 */
import type { PeerId } from '../model.js'
import type { SeenMember } from '../survey/views.js'
import type { DialOutcome, MemberView } from '../views.js'
import { nameOf, speaking, type Examined, type Look } from './examined.js'
import { lasting, named, type Finding } from './findings.js'

/** In this time nodes agree on who lives, whatever happened. */
const agreement_ms = 10_000
/** In this time a document is everywhere. */
const spread_ms = 10_000

export const lookAtLinks: Look = (examined) => {
  const split = seenDifferently(examined)
  const differing = new Set(split.map(({ peer }) => peer))
  return [...gone(examined, differing), disagreement(split, examined), ...failing(examined), divergence(examined)]
}

// ---- who is gone

const causes: Readonly<Record<DialOutcome | 'unknown', { readonly meaning: string; readonly remedy: string }>> = {
  refused: {
    meaning:
      'Its machine answers, and nobody listens there: the daemon has crashed or was killed. What is registered there is in no lookup.',
    remedy: 'Start it again there: systemctl start rollcall, or rollcall start; its log says why it ended.',
  },
  'no-answer': {
    meaning:
      'Its machine does not answer at all: it is off, or the line to it is cut. What is registered there is in no lookup.',
    remedy: 'Check power, cable and firewall of that machine (ping it); it comes back by itself.',
  },
  silent: {
    meaning:
      'Its machine takes connections, and its process says nothing: it is stopped or stuck. What is registered there is in no lookup.',
    remedy:
      'Look at the process there (top, systemctl status rollcall): kill -CONT PID if it was stopped, else systemctl restart rollcall.',
  },
  unknown: {
    meaning:
      'It fell silent: its process is stopped or stuck, or its machine is. What is registered there is in no lookup.',
    remedy:
      'Look at that machine: systemctl status rollcall; kill -CONT PID if it was stopped; one that is gone for good: rollcall force-leave NODE.',
  },
}

function gone(examined: Examined, differing: ReadonlySet<PeerId>): Finding[] {
  const missing = examined.members.filter(
    ({ state, peer, self }) => !self && (state === 'hidden' || state === 'dead') && !differing.has(peer),
  )
  // Who is cut off itself hears nobody: then only what the machines of others say still tells of them.
  const isInDoubt = examined.survey.nodes.some(({ how, inDoubt }) => how === 'self' && inDoubt === true)
  return (['refused', 'no-answer', 'silent', 'unknown'] as const).flatMap((cause) => {
    const those = missing.filter(({ dial }) => (dial ?? 'unknown') === cause)
    const isTold = !isInDoubt || cause === 'refused' || cause === 'silent'
    return those.length === 0 || !isTold ? [] : [goneFor(cause, those, examined)]
  })
}

function goneFor(cause: keyof typeof causes, members: readonly MemberView[], examined: Examined): Finding {
  const names = members.map(({ peer }) => nameOf(peer, examined))
  const each = members.map(
    ({ peer, state, stateAge_ms }) => `${nameOf(peer, examined)} is ${state} since ${lasting(stateAge_ms)}`,
  )
  return { id: 'node-gone', severity: 'error', what: `${named(each)}.`, ...causes[cause], about: names }
}

// ---- seen by some

interface Split {
  readonly peer: PeerId
  readonly alive: readonly string[]
  readonly away: readonly string[]
}

function seenDifferently({ survey }: Examined): Split[] {
  const viewsOf = new Map(
    survey.nodes.map(({ peer }) => [peer, [] as { readonly id: string; readonly seen: SeenMember }[]]),
  )
  for (const { id, peer: by, sees = [] } of speaking(survey))
    for (const seen of sees) if (seen.peer !== by) viewsOf.get(seen.peer)?.push({ id, seen })
  return [...viewsOf].flatMap(([peer, views]) => {
    const settled = views.filter(({ seen: { since_ms = 0 } }) => since_ms >= agreement_ms)
    const alive = settled.filter(({ seen }) => seen.state === 'alive').map(({ id }) => id)
    const away = settled.filter(({ seen }) => seen.state === 'hidden' || seen.state === 'dead').map(({ id }) => id)
    return alive.length > 0 && away.length > 0 ? [{ peer, alive, away }] : []
  })
}

function disagreement(split: readonly Split[], examined: Examined): Finding | undefined {
  if (split.length === 0) return undefined
  const each = split.map(
    ({ peer, alive, away }) => `${nameOf(peer, examined)} is alive for ${named(alive, 3)}, gone for ${named(away, 3)}`,
  )
  return {
    id: 'seen-differently',
    severity: 'error',
    what: `${named(each, 3)}.`,
    meaning: 'The network is split between them: the same lookup gives different answers, depending on who is asked.',
    remedy: `Check switch, routes and firewall between them; see it from the other side: rollcall members --server HOST:PORT.`,
    about: split.map(({ peer }) => nameOf(peer, examined)),
  }
}

// ---- links

interface Side {
  readonly from: string
  readonly to: string
  readonly why?: string | undefined
}

/** Of the living alone: of those that are gone it is said already. */
function failing(examined: Examined): (Finding | undefined)[] {
  const { survey } = examined
  const speakers = new Map(speaking(survey).map((node) => [node.peer, node]))
  const seenByAll = new Map(
    [...speakers].map(([by, { sees = [] }]) => [by, new Map(sees.map((seen) => [seen.peer, seen]))] as const),
  )
  const seenBy = (by: PeerId, peer: PeerId): SeenMember | undefined => seenByAll.get(by)?.get(peer)
  const oneWay = reportedSides(examined, seenBy)
  const both: Side[] = []
  for (const { peer: from, id, sees = [] } of speakers.values()) {
    for (const { peer, state, link, failure } of sees) {
      if (state !== 'alive' || link !== 'failing') continue
      const back = seenBy(peer, from)
      const side = { from: id, to: nameOf(peer, examined), why: failure }
      if (back?.link === 'open') oneWay.push(side)
      else if (back?.link !== 'failing' || side.from < side.to) both.push(side)
    }
  }
  return [oneWayFinding(oneWay), bothFinding(both)]
}

/** Reported as silent by one whom it hears well itself. */
function reportedSides(examined: Examined, seenBy: (by: PeerId, peer: PeerId) => SeenMember | undefined): Side[] {
  return examined.members
    .filter(({ state }) => state === 'alive')
    .flatMap(({ peer, reportedBy }) =>
      reportedBy
        .filter((by) => seenBy(peer, by)?.link === 'open')
        .map((by) => ({ from: nameOf(by, examined), to: nameOf(peer, examined), why: 'reports it as silent' })),
    )
}

function inWords({ from, to, why }: Side): string {
  return `${from} → ${to}${why === undefined ? '' : ` (${why})`}`
}

function oneWayFinding(sides: readonly Side[]): Finding | undefined {
  if (sides.length === 0) return undefined
  return {
    id: 'one-way-link',
    severity: 'warning',
    what: `Fine one way, failing the other: ${named(sides.map(inWords), 4)}.`,
    meaning:
      'A firewall, a route or a switch lets through one direction alone; others still carry the news, so nobody is hidden for it.',
    remedy: 'Compare the firewalls and routes of the two machines, in both directions, for the port of --listen.',
    about: sides.map(({ from, to }) => `${from}→${to}`),
  }
}

function bothFinding(sides: readonly Side[]): Finding | undefined {
  if (sides.length === 0) return undefined
  return {
    id: 'link-failing',
    severity: 'warning',
    what: `No connection between nodes that live: ${named(sides.map(inWords), 4)}.`,
    meaning:
      'Others reach both, so what is wrong lies between the two, in one direction or both; nobody is hidden for it, as others carry the news.',
    remedy:
      'Compare firewall rules, routes and switch ports of the two machines, for the port of --listen; whether the address that is dialled is right: rollcall peers.',
    about: sides.map(({ from, to }) => `${from}→${to}`),
  }
}

// ---- what they hold

function divergence(examined: Examined): Finding | undefined {
  const apart = speaking(examined.survey).flatMap(({ id, sees = [] }) =>
    sees
      .filter(({ state, outOfStep_ms = 0 }) => state === 'alive' && outOfStep_ms > spread_ms)
      .map(({ peer, outOfStep_ms = 0 }) => ({ pair: [id, nameOf(peer, examined)], outOfStep_ms })),
  )
  if (apart.length === 0) return undefined
  const longest = apart.reduce((most, { outOfStep_ms }) => Math.max(most, outOfStep_ms), 0)
  return {
    id: 'divergence',
    severity: 'error',
    what: `For ${lasting(longest)} these have not held the same: ${named(apart.map(({ pair }) => pair.join(' and ')))}.`,
    meaning:
      'Lookups may differ between them; what is missing is compared and fetched every two seconds, and does not get through.',
    remedy:
      'See what is exchanged, and with whom it fails: rollcall peers on both; the log of both names what was refused.',
    about: apart.map(({ pair }) => pair.join('–')),
  }
}
