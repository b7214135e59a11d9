/**
 * Looks at what nodes see of each other: who is gone, who is seen by some alone, which links fail, who holds something else.
 */
import type { DialOutcome } from '../words/dial-words.js'
import { isNeverHeard } from '../words/never-heard.js'
import type { PeerId } from '../model/model.js'
import type { SeenMember } from '../survey/views.js'
import type { MemberView } from '../views.js'
import { cloned } from './clones.js'
import { isInDoubt, nameOf, speaking, type Examined, type Look } from './examined.js'
import { isKeptOut } from './strangers.js'
import { lasting, named, type Finding } from './findings.js'

/** In this time nodes agree on who lives, whatever happened. */
const agreement_ms = 10_000
/** In this time a document is everywhere. */
const spread_ms = 10_000

export const lookAtLinks: Look = (examined) => {
  const two = cloned(examined)
  const split = seenDifferently(examined).filter(({ peer }) => !two.has(peer))
  const differing = new Set(split.map(({ peer }) => peer))
  return [
    ...gone(examined, differing),
    disagreement(split, examined),
    ...failing(examined, two),
    divergence(examined, two),
  ]
}

// ---- who is gone

type Cause = DialOutcome | 'replaced' | 'returning' | 'unknown' | 'unheard'

/** In the order in which they are told. */
const causes: Readonly<Record<Cause, Pick<Finding, 'meaning' | 'remedy' | 'severity'>>> = {
  replaced: {
    severity: 'error',
    meaning:
      'Another node answers where it was: the daemon was started anew there without its data directory, and so as somebody else, or another machine has its address by now. What is registered there is in no lookup.',
    remedy:
      'Start it with its data directory if there still is one (--data-dir; a container needs a volume), else register again what rollcall instances --all shows of it, and forget it by its peer id: rollcall force-leave PEER.',
  },
  refused: {
    severity: 'error',
    meaning:
      'Its machine answers, and nobody listens there: the daemon has crashed or was killed. What is registered there is in no lookup.',
    remedy:
      'Start it again there: systemctl start rollcall, or rollcall start. Its log says why it ended; a log that just breaks off: it was killed (journalctl -k tells of want of memory).',
  },
  'no-answer': {
    severity: 'error',
    meaning:
      'Its machine does not answer at all: it is off, or the line to it is cut. What is registered there is in no lookup.',
    remedy: 'Check power, cable and firewall of that machine (ping it); it comes back by itself.',
  },
  silent: {
    severity: 'error',
    meaning:
      'Its machine takes connections, and its process says nothing: it is frozen (suspended or stuck). What is registered there is in no lookup.',
    remedy:
      'Look at the process there (top, systemctl status rollcall): kill -CONT PID if it was suspended, else systemctl restart rollcall.',
  },
  unknown: {
    severity: 'error',
    meaning:
      'It fell silent: its process is frozen (suspended or stuck), or its machine is. What is registered there is in no lookup.',
    remedy:
      'Look at that machine and its process (top, systemctl status rollcall): kill -CONT PID if it was suspended, else systemctl restart rollcall.',
  },
  unheard: {
    severity: 'warning',
    meaning:
      'This node has heard no word of it since its start: it was gone before, or was never there, and somebody made it up. What is registered there is in no lookup.',
    remedy:
      'Start it if there is such a machine; forget it if it is gone for good: rollcall force-leave NODE. Whoever brings many that nobody hears is named by rollcall peers.',
  },
  returning: {
    severity: 'warning',
    meaning:
      'It is heard again. Since it went away without a goodbye it has to stay well for a while before it counts, twice as long with each time within ten minutes; until then what is registered there is in no lookup.',
    remedy:
      'Wait; do not start it once more. If it goes on its log says why it ended: journalctl -u rollcall there. Who is to be restarted says goodbye: rollcall leave --restart.',
  },
}

/** Something was heard of these, or of where they were: whoever is cut off himself tells of them all the same. */
const heardOf: ReadonlySet<Cause> = new Set(['replaced', 'refused', 'returning'])

function gone(examined: Examined, differing: ReadonlySet<PeerId>): Finding[] {
  const missing = examined.members.filter(
    ({ state, peer, self }) => !self && (state === 'hidden' || state === 'dead') && !differing.has(peer),
  )
  // Who is cut off itself hears nobody: then only what the machines of others say still tells of them; whom a wrong key keeps out, less.
  const [cutOff, keptOut] = [isInDoubt(examined), isKeptOut(examined)]
  const taken = placesTaken(examined)
  const found = missing.map((member) => ({ member, cause: causeOf(member, taken, examined) }))
  return (Object.keys(causes) as Cause[]).flatMap((cause) => {
    const those = found.filter((each) => each.cause === cause).map(({ member }) => member)
    const isTold = heardOf.has(cause) || (!keptOut && (!cutOff || cause === 'silent'))
    return those.length === 0 || !isTold ? [] : [goneFor(cause, those, examined)]
  })
}

function causeOf(member: MemberView, taken: ReadonlySet<string>, examined: Examined): Cause {
  if (member.returnsIn_ms !== undefined) return 'returning'
  if (placesOf(member, examined).some((place) => taken.has(place))) return 'replaced'
  return member.dial ?? (isNeverHeard(member) ? 'unheard' : 'unknown')
}

/** Where the living are: thousands may be gone, and each is looked for among them. */
function placesTaken(examined: Examined): ReadonlySet<string> {
  const living = examined.members.filter(({ state }) => state === 'alive')
  return new Set(living.flatMap((member) => placesOf(member, examined)))
}

/** A url alone may be that of a proxy in front of several, an address alone that of a network which several have at home. */
function placesOf({ peer, url }: MemberView, { records }: Examined): string[] {
  return (records.get(peer)?.addresses ?? []).map((address) => `${url} ${address}`)
}

function goneFor(cause: Cause, members: readonly MemberView[], examined: Examined): Finding {
  const names = members.map(({ peer }) => nameOf(peer, examined))
  const each = members.map(
    ({ peer, state, stateAge_ms, outOfSight_ms = stateAge_ms }) =>
      `${nameOf(peer, examined)} is ${state}, out of sight for ${lasting(outOfSight_ms)}`,
  )
  return { id: 'node-gone', what: `${named(each)}.`, ...causes[cause], about: names }
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

/** One that does not hear another. */
interface Deaf {
  readonly from: string
  readonly to: string
  readonly why?: string | undefined
  /** The other way it is well: now, or until the link was gone. */
  readonly back: 'hears' | 'heard' | undefined
  /** The other one says that it does not hear it either. */
  readonly isMutual: boolean
}

/** Of the living alone: of those that are gone it is said already, and of who does not answer, or is two, too. */
function failing(examined: Examined, two: ReadonlySet<PeerId>): (Finding | undefined)[] {
  const { survey } = examined
  const speakers = speaking(survey)
  const mute = new Set(survey.nodes.filter(({ how }) => how === 'silent').map(({ peer }) => peer))
  const seenByAll = new Map(speakers.map(({ peer, sees = [] }) => [peer, new Map(sees.map((one) => [one.peer, one]))]))
  const seenBy = (by: PeerId, peer: PeerId): SeenMember | undefined => seenByAll.get(by)?.get(peer)
  const deaf = new Map<string, Deaf>()
  const note = (by: PeerId, peer: PeerId, why: string | undefined): void => {
    const [there, back] = [seenBy(by, peer), seenBy(peer, by)]
    if (mute.has(peer) || two.has(peer) || two.has(by) || (there?.hears === true && back?.hears === false)) return
    const side = {
      from: nameOf(by, examined),
      to: nameOf(peer, examined),
      why,
      back: wayBack(there, back),
      isMutual: back?.link === 'failing',
    }
    const pair = [by, peer].sort().join(' ')
    // Of two that are both deaf one is told, of two of which one is, that one.
    if (side.back !== undefined || !deaf.has(pair)) deaf.set(pair, side)
  }
  for (const { peer: by, sees = [] } of speakers)
    for (const { peer, state, link, failure } of sees)
      if (state === 'alive' && link === 'failing') note(by, peer, failure)
  for (const { peer, state, reportedBy } of examined.members)
    for (const by of reportedBy)
      if (state === 'alive' && seenBy(peer, by)?.link === 'open' && seenBy(by, peer)?.link !== 'failing')
        note(by, peer, 'reports it as silent')
  const all = [...deaf.values()]
  return [oneWayFinding(all.filter(isOneWay)), bothFinding(all.filter((side) => !isOneWay(side)))]
}

/** A link that is gone is gone at both ends; which way it failed first shows in what was heard at its end. */
function wayBack(there: SeenMember | undefined, back: SeenMember | undefined): Deaf['back'] {
  if (back?.link === 'open') return 'hears'
  return there?.hears === false && back?.hears === true ? 'heard' : undefined
}

function isOneWay({ back }: Deaf): boolean {
  return back !== undefined
}

function because({ why }: Deaf): string {
  return why === undefined ? '' : ` (${why})`
}

function about(sides: readonly Deaf[]): string[] {
  return sides.map(({ from, to, isMutual, back }) =>
    // Whoever is asked names two who do not hear each other in the same way.
    isMutual && back === undefined ? [from, to].sort().join('–') : `${from}→${to}`,
  )
}

function oneWayFinding(sides: readonly Deaf[]): Finding | undefined {
  const [first] = sides
  if (first === undefined) return undefined
  const each = sides.map((side) => {
    const { from, to, back } = side
    return `${from} does not hear ${to}${because(side)}, while ${to} ${back === 'heard' ? `heard ${from} to the end` : `hears ${from}`}`
  })
  return {
    id: 'one-way-link',
    severity: 'warning',
    what: `${named(each, 3)}.`,
    meaning: `Packets from ${first.to} to ${first.from} are lost, those the other way come through${sides.length > 1 ? ', and so on' : ''}: a firewall, a route or a switch lets through one direction alone. Others still carry the news, so nobody is hidden for it.`,
    remedy: `Follow the way from ${first.to} to ${first.from}: the firewall of ${first.from} for what comes in, that of ${first.to} for what goes out, routes and switch ports between, for the port of --listen.`,
    about: about(sides),
  }
}

function bothFinding(sides: readonly Deaf[]): Finding | undefined {
  if (sides.length === 0) return undefined
  const each = sides.map((side) => {
    const { from, to, isMutual } = side
    const [one, other] = [from, to].sort()
    return `${isMutual ? `${one} and ${other} do not hear each other` : `${from} does not hear ${to}`}${because(side)}`
  })
  return {
    id: 'link-failing',
    severity: 'warning',
    what: `Links between nodes that live fail: ${named(each, 4)}.`,
    meaning: `Others reach both, so what is wrong lies between the two${sides.every(({ isMutual }) => isMutual) ? '' : ', in one direction or both'}; nobody is hidden for it, as others carry the news.`,
    remedy:
      'Compare firewall rules, routes and switch ports of the two machines, for the port of --listen; whether the address that is dialled is right: rollcall peers.',
    about: about(sides),
  }
}

// ---- what they hold

function divergence(examined: Examined, two: ReadonlySet<PeerId>): Finding | undefined {
  const apart = speaking(examined.survey).flatMap(({ id, peer: by, sees = [] }) =>
    sees
      .filter(({ state, outOfStep_ms = 0 }) => state === 'alive' && outOfStep_ms > spread_ms)
      .filter(({ peer }) => !two.has(peer) && !two.has(by))
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
