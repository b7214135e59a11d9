/**
 * Why an instance is picked, or is not: the steps from its registration to a pick at this node, in order. Pure.
 */
import type { Member, Row } from './answers.js'
import { keyOf, type Service } from './services.js'
import { ageOf, count } from './words.js'

/** `last`: picked only where nobody better is left. */
export type StepState = 'passes' | 'last' | 'stops' | 'unknown'

export interface Step {
  readonly name: string
  readonly state: StepState
  readonly text: string
}

export interface Chain {
  readonly steps: readonly Step[]
  readonly isPicked: boolean
  readonly verdict: string
}

/**
 * @param service what it belongs to
 * @param since_ms how long ago all of this was answered
 */
export function chainOf(row: Row, service: Service | undefined, home: Member | undefined, since_ms: number): Chain {
  const steps = [
    registered(row),
    homeAlive(row, home, since_ms),
    lifetime(row, since_ms),
    lastCheck(row),
    maintenance(row),
    fromHere(row, since_ms),
  ]
  const isPicked = service?.picked.has(keyOf(row)) === true
  return { steps, isPicked, verdict: verdictOf(row, steps, service, isPicked) }
}

function verdictOf({ slug }: Row, steps: readonly Step[], service: Service | undefined, isPicked: boolean): string {
  const others = (service?.picked.size ?? 0) - 1
  if (slug === undefined) return 'It has no slug, so nobody picks it by name.'
  if (isPicked) return others > 0 ? `Picked, in turn with ${count(others, 'other')}.` : 'Picked; the only one there is.'
  const stop = steps.find(({ state }) => state === 'stops')
  if (stop !== undefined) return `Not picked: ${lowered(stop.name)}.`
  const last = steps.find(({ state }) => state === 'last')
  const better =
    service === undefined || service.picked.size === 0 ? '' : `; ${count(service.picked.size, 'better one')} there`
  return `Not picked at present${last === undefined ? '' : `: ${lowered(last.name)}`}${better}.`
}

function lowered(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

function registered({ reason, why, nodeId, owner, n, slug }: Row): Step {
  const name = 'Registered'
  const at = `at node ${nodeId ?? owner}, number ${n}, ${slug === undefined ? 'without a slug' : `as ${slug}`}`
  if (reason === 'removed')
    return { name: 'Removed', state: 'stops', text: `${at}; removed: register it again if that was wrong` }
  if (reason === 'superseded')
    return { name: 'Superseded', state: 'stops', text: `${at}; ${why ?? 'a later record counts'}` }
  return { name, state: 'passes', text: at }
}

const dialled = {
  refused: 'its machine answers, its process is gone',
  'no-answer': 'its machine is off, or the line to it is cut',
  silent: 'its machine takes connections, its process is frozen (suspended or stuck)',
}

function homeAlive({ reason, why, degraded }: Row, home: Member | undefined, since_ms: number): Step {
  const name = 'Home node alive'
  if (home === undefined) return { name, state: 'unknown', text: 'its node is no member that this one knows' }
  const said = [
    `${home.nodeId ?? home.peer} is ${home.state}, for ${ageOf(home.stateAge_ms + since_ms)}`,
    home.self ? 'it is this node' : heardOf(home, since_ms),
    home.returnsIn_ms === undefined ? dialledAs(home) : 'it has to stay well for a while before it counts again',
    home.reportedBy.length > 0 ? `reported silent by ${count(home.reportedBy.length, 'node')}` : '',
    home.state !== 'alive' && home.why !== undefined ? home.why : '',
  ]
  const text = said.filter((part) => part !== '').join('; ')
  if (reason?.startsWith('node-') !== true) return { name, state: 'passes', text }
  if (reason === 'node-restarted')
    return { name: 'Home node has restarted, and has not confirmed it', state: 'stops', text }
  const shown = degraded === true
  return {
    name: shown ? name : `Home node ${home.state}`,
    state: shown ? 'last' : 'stops',
    text: `${text || why}${shown ? '; shown as last known' : ''}`,
  }
}

function dialledAs({ dial }: Member): string {
  return dial === undefined ? '' : dialled[dial]
}

function heardOf({ heardAge_ms }: Member, since_ms: number): string {
  return heardAge_ms === undefined ? 'not heard since this node started' : `heard ${ageOf(heardAge_ms + since_ms)} ago`
}

const lives = {
  persistent: 'persistent: it stays until it is removed',
  session: 'its session is open: it stays while its program runs',
  ttl: 'its ttl is renewed in time',
} as const

function lifetime({ lifetime: how, ttl, ending, session }: Row, since_ms: number): Step {
  const name = 'Session'
  if (ending === undefined) {
    const detail = how === 'ttl' ? ` (${String(ttl)})` : session === undefined ? '' : ` (${session})`
    return { name, state: 'passes', text: `${lives[how]}${detail}` }
  }
  const goes = ending.goesIn_ms - since_ms
  const text = `${ending.what} ${ageOf(ending.age_ms + since_ms)} ago; its record goes ${goes <= 0 ? 'now' : `in ${ageOf(goes)}`}`
  return { name: ending.what === 'ttl passed' ? 'Ttl passed' : 'Session lost', state: 'last', text }
}

function lastCheck({ status, details, check, lastHeartbeat }: Row): Step {
  if (check === 'none' && status === 'Healthy')
    return { name: 'Last check', state: 'passes', text: 'none is made: it counts as Healthy' }
  const kind = typeof check === 'string' ? check : (Object.keys(check)[0] ?? 'check')
  const text = [
    `${kind}: ${status}`,
    details ?? '',
    lastHeartbeat === undefined ? '' : `last seen healthy ${seen(lastHeartbeat)}`,
  ]
    .filter((part) => part !== '')
    .join('; ')
  if (status === 'Healthy') return { name: 'Last check', state: 'passes', text }
  if (status === 'Unreachable' || status === 'Error') return { name: `Last check: ${status}`, state: 'stops', text }
  return { name: `Last check: ${status}`, state: 'last', text: `${text}; picked where none is Healthy` }
}

/** By the clock of its node, which may be wrong. */
function seen(lastHeartbeat: string): string {
  return `at ${lastHeartbeat.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}`
}

function maintenance({ maintenance: reason, drainedBy = [], weight }: Row): Step {
  if (reason !== undefined || drainedBy.length > 0) {
    const by = drainedBy.length === 0 ? '' : `; drained by its ${drainedBy.join(', ')}, about to stop`
    return { name: 'In maintenance', state: 'stops', text: `${reason ?? 'draining'}${by}` }
  }
  if (weight === 0) return { name: 'Weight 0', state: 'last', text: 'picked where no other one weighs more' }
  return {
    name: 'Not in maintenance',
    state: 'passes',
    text: weight === undefined ? 'nobody hides it' : `nobody hides it; weight ${weight}`,
  }
}

const knownBy = {
  home: 'it is at home here, checked by this node',
  heartbeats: 'this node hears its home node itself',
  hearsay: 'this node hears of its home node through others alone',
  silence: 'this node does not hear its home node itself',
  refused: 'connections of this node to its home node are refused',
  suspected: 'a caller of this node was not answered',
} as const

function fromHere({ fromHere: known }: Row, since_ms: number): Step {
  if (known === undefined)
    return { name: 'Reached from here', state: 'unknown', text: 'this node has nothing to go by' }
  const { reached, how, age_ms } = known
  const text = `${knownBy[how]}${age_ms === undefined ? '' : `, for ${ageOf(age_ms + since_ms)}`}`
  if (reached === false)
    return { name: 'Not reached from here', state: 'last', text: `${text}; picked last here, whatever others see` }
  return { name: 'Reached from here', state: reached === true ? 'passes' : 'unknown', text }
}
