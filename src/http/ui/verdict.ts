/**
 * Whether anything is wrong now, since when as far as this page can know. Pure.
 */
import type { Finding, Member, Row } from './answers.js'
import type { Known } from './held.js'
import type { Reach } from './reach.js'
import type { Route } from './route.js'
import { isThin, type Service } from './services.js'
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
  readonly reach: Reach | undefined
  /** By the clock, and how long ago members were asked for. */
  readonly now_ms: number
  readonly membersAge_ms: number
}

/** Errors first. */
export function problemsOf(facts: Facts): readonly Problem[] {
  const all = [...ofDaemon(facts), ...ofServices(facts), ...ofMembers(facts), ...ofReach(facts), ...ofDoctor(facts)]
  return [...all].sort((a, b) => rank(a) - rank(b))
}

function rank({ severity }: Problem): number {
  return severity === 'error' ? 0 : 1
}

function ofDaemon({ known: { self, peers } }: Facts): readonly Problem[] {
  const found: Problem[] = []
  const to = { view: 'nodes' } as const
  if (self !== undefined && !self.ready.ready)
    found.push({
      key: 'unready',
      severity: 'error',
      text: `This node is not ready: ${self.ready.reasons.join('; ')}`,
      to,
    })
  if (peers?.degraded === true) {
    const text = 'This node has lost sight of most of the cluster: what it shows is what was last known'
    found.push({ key: 'in-doubt', severity: 'error', text, to: { view: 'reach' } })
  } else if (peers?.inStep === false) {
    found.push({
      key: 'out-of-step',
      severity: 'warning',
      text: `This node is ${peers.summary}`,
      to: { view: 'reach' },
    })
  }
  return found
}

function ofServices({ services, known, now_ms, membersAge_ms }: Facts): readonly Problem[] {
  const members = new Map(known.members.map((member) => [member.peer, member]))
  const about = (
    key: string,
    severity: Problem['severity'],
    those: readonly Service[],
    say: (text: string) => string,
  ): Problem[] => {
    if (those.length === 0) return []
    const begun = those.map(({ rows, picked }) => lostAt(rows, picked.size, members, now_ms - membersAge_ms))
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

/** When the last of those went whose node went; undefined where another cause took one. */
function lostAt(
  rows: readonly Row[],
  picked: number,
  members: ReadonlyMap<string, Member>,
  asked_ms: number,
): number | undefined {
  const gone = rows.filter(({ visible }) => !visible)
  if (gone.length + picked < rows.length) return undefined
  const ages = gone.map(({ owner, reason }) =>
    reason?.startsWith('node-') === true ? members.get(owner)?.stateAge_ms : undefined,
  )
  return ages.every((age) => age !== undefined) && ages.length > 0 ? asked_ms - Math.min(...ages) : undefined
}

const dialled = {
  refused: ': its process is gone',
  'no-answer': ': its machine is off, or the line to it is cut',
  silent: ': its process is stopped or stuck',
} as const

function ofMembers({ known: { members }, now_ms, membersAge_ms }: Facts): readonly Problem[] {
  const away = members.filter(({ state }) => state === 'hidden' || state === 'dead')
  const since = (member: Member): number => now_ms - membersAge_ms - member.stateAge_ms
  if (away.length > 5) {
    const text = `${count(away.length, 'node')} not alive: ${named(away.map(nameOf))}`
    return [{ key: 'members', severity: 'error', text, since_ms: Math.min(...away.map(since)), to: { view: 'nodes' } }]
  }
  return [
    ...away.map((member): Problem => {
      const { peer, state, dial } = member
      const why = dial === undefined ? '' : dialled[dial]
      const severity = state === 'dead' ? 'error' : 'warning'
      return {
        key: `member ${peer}`,
        severity,
        text: `Node ${nameOf(member)} is ${state}${why}`,
        since_ms: since(member),
        to: { view: 'nodes', node: peer },
      }
    }),
    ...members.flatMap((member): Problem[] => {
      const { peer, trouble } = member
      if (trouble === undefined) return []
      return [
        {
          key: `trouble ${peer}`,
          severity: 'warning',
          text: `Node ${nameOf(member)}: ${trouble}`,
          to: { view: 'nodes', node: peer },
        },
      ]
    }),
  ]
}

export function nameOf({ nodeId, peer }: Pick<Member, 'nodeId' | 'peer'>): string {
  return nodeId ?? peer
}

function ofReach({ reach, now_ms }: Facts): readonly Problem[] {
  const oneWay = reach?.troubles.filter((trouble) => trouble.isOneWay) ?? []
  const [first] = oneWay
  if (first === undefined) return []
  const { from, to, sight } = first
  const more = oneWay.length === 1 ? '' : `, and ${count(oneWay.length - 1, 'more such pair')}`
  const since = sight.since_ms === undefined ? {} : { since_ms: now_ms - sight.since_ms }
  return [
    {
      key: 'one-way',
      severity: 'warning',
      text: `${from.id} does not reach ${to.id}, though ${to.id} reaches ${from.id}${more}`,
      to: { view: 'reach' },
      ...since,
    },
  ]
}

/** Findings that say in other words what is said above. */
const saidAbove = ['in-doubt', 'node-gone', 'node-silent', 'not-ready', 'nothing-to-pick', 'one-way-link']

function ofDoctor({ known: { findings = [] } }: Facts): readonly Problem[] {
  const serious = findings.filter(({ severity, id }) => severity !== 'note' && !saidAbove.includes(id))
  return serious.map(({ id, severity, what, remedy, about }: Finding): Problem => {
    const to = { view: 'nodes' } as const
    return {
      key: `doctor ${id} ${about.join(' ')}`,
      severity: severity === 'error' ? 'error' : 'warning',
      text: what,
      remedy,
      to,
    }
  })
}
