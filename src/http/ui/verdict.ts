/**
 * Whether anything is wrong now, since when as far as this page can know. Pure.
 */
import type { Entry, Finding, Member, Row, Self } from './answers.js'
import type { Known } from './held.js'
import type { Route } from './route.js'
import { isThin, keyOf, type Service } from './services.js'
import { count, named } from './words.js'

export interface Problem {
  /** Stays the same while it lasts. */
  readonly key: string
  readonly severity: 'error' | 'warning'
  readonly text: string
  /** What to do, where that is known. */
  readonly remedy?: string
  /** By the clock; absent where nobody told. */
  readonly since_ms?: number
  readonly to: Partial<Route>
}

export interface Facts {
  readonly known: Known
  readonly services: readonly Service[]
  /** By the clock, and how long ago members were asked for. */
  readonly now_ms: number
  readonly membersAge_ms: number
}

/** Errors first; of those what explains others comes before them. */
export function problemsOf(facts: Facts): readonly Problem[] {
  const found = ofDoctor(facts)
  const isCause = ({ id }: Finding): boolean => causes.includes(id)
  const all = [
    ...found.filter(({ finding }) => isCause(finding)).map(({ problem }) => problem),
    ...ofDaemon(facts),
    ...ofMembers(facts),
    ...ofServices(facts),
    ...found.filter(({ finding }) => !isCause(finding)).map(({ problem }) => problem),
  ]
  return [...all].sort((a, b) => rank(a) - rank(b))
}

const causes: readonly Finding['id'][] = ['clone', 'wrong-key', 'disk-refuses']

function rank({ severity }: Problem): number {
  return severity === 'error' ? 0 : 1
}

function ofDaemon({ known }: Facts): readonly Problem[] {
  const { self, peers } = known
  const found: Problem[] = []
  const to = { view: 'nodes' } as const
  if (self !== undefined && !self.ready.ready && !isExplained(self, known))
    found.push({
      key: 'unready',
      severity: 'error',
      text: `This node is not ready: ${self.ready.reasons.join('; ')}`,
      ...remedyFor('not-ready', self.nodeId, known),
      to,
    })
  if (peers?.degraded === true) {
    const lost = 'This node has lost sight of most of the cluster: what it shows is what was last known'
    const told = known.findings?.find(({ id, about }) => id === 'in-doubt' && about[0] === self?.nodeId)?.what
    const text = told === undefined ? lost : `${told} What is shown is what was last known`
    const remedied = self === undefined ? {} : remedyFor('in-doubt', self.nodeId, known)
    found.push({ key: 'in-doubt', severity: 'error', text, to: { view: 'reach' }, ...remedied })
  }
  return found
}

/** Whether the doctor tells of each of the reasons, with its remedy. */
function isExplained({ nodeId, ready }: Self, { findings = [] }: Known): boolean {
  const told = { muted: 'clone', disk: 'disk-refuses', 'kept-out': 'wrong-key' } as const
  const isTold = (cause: string): boolean =>
    findings.some(({ id, about }) => id === told[cause as keyof typeof told] && about.includes(nodeId))
  return ready.causes !== undefined && ready.causes.every(isTold)
}

function ofServices(facts: Facts): readonly Problem[] {
  const { services } = facts
  const about = (
    key: string,
    severity: Problem['severity'],
    those: readonly Service[],
    say: (text: string) => string,
  ): Problem[] => {
    if (those.length === 0) return []
    const begun = those.map(({ rows, picked }) =>
      lostAt(
        rows.filter((row) => !picked.has(keyOf(row))),
        facts,
      ),
    )
    const since = begun.every((at) => at !== undefined) ? { since_ms: Math.min(...begun) } : {}
    const [only] = those
    const to = {
      view: 'services',
      ...(those.length === 1 && only?.slug !== undefined && { service: only.slug }),
    } as const
    const text = say(`${count(those.length, 'service')}`)
    return [{ key, severity, text: `${text}: ${named(those.map(({ slug }) => slug ?? ''))}`, to, ...since }]
  }
  const none = services.filter(({ slug, availability }) => slug !== undefined && availability === 'none')
  return [
    ...about('none', 'error', none, (those) => `${those} without an instance to pick`),
    ...about('thin', 'warning', services.filter(isThin), (those) => `${those} down to one instance to pick`),
  ]
}

/** When the last of those went that are not picked; undefined where nobody remembers of one. */
function lostAt(lost: readonly Row[], facts: Facts): number | undefined {
  const moments = lost.map((row) => goneAt(row, facts))
  return moments.every((at) => at !== undefined) && moments.length > 0 ? Math.max(...moments) : undefined
}

function goneAt(row: Row, facts: Facts): number | undefined {
  const { members, entries } = facts.known
  if (row.reason?.startsWith('node-') === true) {
    const home = members.find(({ peer }) => peer === row.owner)
    return home === undefined ? undefined : awaySince(home, facts)
  }
  const moments = entries
    .filter((entry) => entry.id === row.id && explains(entry, row))
    .map(({ at }) => Date.parse(at) - (facts.known.clockAhead_ms ?? 0))
  return moments.length === 0 ? undefined : Math.max(...moments)
}

/** What has put an instance where it is now. */
function explains({ act, outcome = '', details = '' }: Entry, { status, visible }: Row): boolean {
  return visible ? `${act} ${outcome} ${details}`.includes(status) : /^(maintenance|drain|hidden)$/.test(act)
}

/** As the log tells it: when it was hidden, whatever became of that. */
function awaySince({ stateAge_ms, outOfSight_ms = stateAge_ms }: Member, { now_ms, membersAge_ms }: Facts): number {
  return now_ms - membersAge_ms - outOfSight_ms
}

const dialled = {
  refused: ': its process is gone',
  'no-answer': ': its machine is off, or the line to it is cut',
  silent: ': its process is frozen (suspended or stuck)',
  unheard: ': no word of it has been heard since this node started',
  unknown: ': it fell silent, its process is frozen (suspended or stuck), or its machine is',
} as const

function ofMembers(facts: Facts): readonly Problem[] {
  const { known } = facts
  // Who is cut off itself hears nobody: then only what the machines of others say still tells of them; whom a wrong key keeps out, less.
  const { findings = [], self } = known
  const isKeptOut = findings.some(({ id, about }) => id === 'wrong-key' && about.includes(self?.nodeId ?? ''))
  const isTold = ({ dial }: Member): boolean =>
    dial === 'refused' || (!isKeptOut && (known.peers?.degraded !== true || dial === 'silent'))
  const away = known.members.filter(
    (member) => (member.state === 'hidden' || member.state === 'dead') && isTold(member),
  )
  const since = (member: Member): number => awaySince(member, facts)
  if (away.length > 5) {
    const text = `${count(away.length, 'node')} not alive: ${named(away.map(nameOf))}`
    return [{ key: 'members', severity: 'error', text, since_ms: Math.min(...away.map(since)), to: { view: 'nodes' } }]
  }
  return away.map((member): Problem => {
    const { peer, state, dial, returnsIn_ms, heardAge_ms } = member
    const isBack = returnsIn_ms !== undefined
    const isUnheard = state === 'dead' && heardAge_ms === undefined
    const cause = dial ?? (isUnheard ? 'unheard' : 'unknown')
    const why = isBack ? ', is heard again, and has to stay well before it counts' : dialled[cause]
    return {
      key: `member ${peer}`,
      severity: 'error',
      text: `Node ${nameOf(member)} is ${state}${why}`,
      ...remedyFor('node-gone', nameOf(member), known),
      since_ms: since(member),
      to: { view: 'nodes', node: peer },
    }
  })
}

export function nameOf({ nodeId, peer }: Pick<Member, 'nodeId' | 'peer'>): string {
  return nodeId ?? peer
}

/** What this page says itself, sooner; the rest the doctor says, who asks all nodes. */
function isSaidAbove({ id, about }: Finding, { known: { self } }: Facts): boolean {
  if (id === 'in-doubt' || id === 'not-ready') return about.length === 1 && about[0] === self?.nodeId
  return id === 'node-gone' || id === 'nothing-to-pick'
}

function ofDoctor(facts: Facts): readonly { readonly finding: Finding; readonly problem: Problem }[] {
  const { findings = [] } = facts.known
  const serious = findings.filter((finding) => finding.severity !== 'note' && !isSaidAbove(finding, facts))
  return serious.map((finding) => {
    const { id, severity, what, remedy, about } = finding
    const problem = {
      key: `doctor ${id} ${about.join(' ')}`,
      severity: severity === 'error' ? ('error' as const) : ('warning' as const),
      text: what,
      remedy,
      to: placeOf(finding),
    }
    return { finding, problem }
  })
}

const betweenNodes: readonly Finding['id'][] = ['seen-differently', 'one-way-link', 'link-failing', 'divergence']

/** Where more of it is seen. */
function placeOf({ id, about }: Finding): Partial<Route> {
  const only = about.length === 1 ? about[0] : undefined
  if (betweenNodes.includes(id)) return { view: 'reach' }
  if (id === 'instance-loopback') return { view: 'services', ...(only !== undefined && { instance: only }) }
  return { view: 'nodes', ...(only !== undefined && { node: only }) }
}

/** What the doctor says that is to be done about one node. */
function remedyFor(id: Finding['id'], node: string, { findings = [] }: Known): Pick<Problem, 'remedy'> {
  const remedy = findings.find((one) => one.id === id && one.about.includes(node))?.remedy
  return remedy === undefined ? {} : { remedy }
}
