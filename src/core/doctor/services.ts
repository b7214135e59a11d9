/**
 * Looks at what is registered: services with nothing to pick, urls that lead nowhere, names that do not resolve.
 */
import { count } from '../words/count.js'
import { dnsNameOf } from '../model/dns-name.js'
import { lapsedAlone } from '../words/lapsed.js'
import type { InstanceStatus } from '../model/model.js'
import { shellWord } from '../words/shell.js'
import { isUnresolved } from '../words/unresolved.js'
import { isOfItsNode, shownUrl } from '../model/url.js'
import type { InstanceRow } from '../views.js'
import { isOneMachine, living, nameOf, type Examined, type Look } from './examined.js'
import { lasting, named, type Finding } from './findings.js'

export const lookAtServices: Look = (examined) => {
  const rows = examined.rows.filter(({ reason }) => reason !== 'removed' && reason !== 'superseded')
  return [
    churn(rows, examined),
    nothing(rows),
    loopback(rows, examined),
    unreached(rows, examined),
    names(rows),
    failing(rows),
    nameless(rows, examined),
  ]
}

function churn(rows: readonly InstanceRow[], examined: Examined): Finding | undefined {
  const all = examined.churn ?? []
  const [worst] = all
  if (worst === undefined) return undefined
  const each = all.map(({ home, slug, perSecond, lasts_ms }) => {
    const there = rows.filter((row) => row.owner === home && row.slug === slug).length
    const name = slug ?? 'those without a slug'
    return `${name} at ${nameOf(home, examined)} (${perSecond} a second for ${lasting(lasts_ms)}, ${count(there, 'instance')} there now)`
  })
  const home = nameOf(worst.home, examined)
  return {
    id: 'churn',
    severity: 'warning',
    what: `Instances are registered, changed or removed without end: ${named(each, 3)}.`,
    meaning: `A program floods ${home} with registrations, as one in a loop does: every node holds and passes on each of them, and one node holds so many at the most.`,
    remedy: `Find the program that registers ${worst.slug === undefined ? 'them' : worst.slug} at ${home}, and stop it; see what comes: rollcall watch; what it left: rollcall instances --all, rollcall deregister ID.`,
    about: [
      ...new Set(
        all.flatMap(({ home: peer, slug }) => [nameOf(peer, examined), ...(slug === undefined ? [] : [slug])]),
      ),
    ],
  }
}

function nothing(rows: readonly InstanceRow[]): Finding | undefined {
  const bySlug = new Map<string, InstanceRow[]>()
  for (const row of rows) {
    if (row.slug === undefined) continue
    const same = bySlug.get(row.slug)
    if (same === undefined) bySlug.set(row.slug, [row])
    else same.push(row)
  }
  const empty = [...bySlug]
    .filter(([, all]) => !all.some(({ pickable }) => pickable === true))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  if (empty.length === 0) return undefined
  const slugs = empty.map(([slug]) => slug)
  const each = empty.map(([slug, all]) => `${slug} (${count(all.length, 'instance')}: ${named(whyNot(all), 2)})`)
  return {
    id: 'nothing-to-pick',
    severity: 'error',
    what: `${count(slugs.length, 'service')} ${slugs.length === 1 ? 'has' : 'have'} no instance to pick: ${named(each, 4)}.`,
    meaning: 'Callers get nothing.',
    remedy: `See why of each instance: rollcall why ${shellWord(slugs[0] ?? '')}; start one that works, or end what hides it.`,
    about: slugs,
  }
}

/** Nobody is led there while anything else is known of. */
function isBad(status: InstanceStatus): boolean {
  return status === 'Unreachable' || status === 'Error'
}

function whyNot(rows: readonly InstanceRow[]): string[] {
  const reasons = rows.map(({ visible, why, status, details }) =>
    visible ? `${status}${details === undefined ? '' : `, ${details}`}` : (why ?? 'not visible'),
  )
  return [...new Set(reasons)]
}

function loopback(rows: readonly InstanceRow[], examined: Examined): Finding | undefined {
  if (living(examined).length < 2) return undefined
  const local = rows.filter(({ visible, url }) => visible && isOfItsNode(url))
  if (local.length === 0) return undefined
  const isHere = isOneMachine(examined)
  const each = local.map(
    ({ id, slug, url, nodeId, owner }) => `${slug ?? id} at ${shownUrl(url)} (home: ${nodeId ?? owner})`,
  )
  return {
    id: 'instance-loopback',
    severity: isHere ? 'note' : 'warning',
    what: `${count(local.length, 'instance')} can be called on ${local.length === 1 ? 'its' : 'their'} own machine alone: ${named(each, 3)}.`,
    meaning: isHere
      ? 'All nodes are on that machine, where callers reach it; those on another one would be led to themselves.'
      : 'Callers on other machines are led to themselves, and find nothing there, or something else.',
    remedy: `${isHere ? 'Before a node on another machine joins, register' : 'Register'} ${local.length === 1 ? 'it' : 'each'} with an address that others reach: ${local
      .slice(0, 3)
      .map(({ id }) => `rollcall register --id ${shellWord(id)} --url http://HOST:PORT`)
      .join('; ')}${local.length > 3 ? '; …' : ''}.`,
    about: local.map(({ id }) => id),
  }
}

/** Its home node has looked again, because of what the caller said, and finds it well. */
function unreached(rows: readonly InstanceRow[], { self, survey }: Examined): Finding | undefined {
  const lost = rows.filter(
    ({ visible, status, owner, fromHere }) =>
      visible && status === 'Healthy' && owner !== self.peer && fromHere?.how === 'suspected',
  )
  const [first] = lost
  if (first === undefined) return undefined
  const each = lost.map(
    ({ id, slug, url, nodeId, owner }) => `${slug ?? id} at ${shownUrl(url)} (healthy at its home, ${nodeId ?? owner})`,
  )
  return {
    id: 'url-unreachable',
    severity: 'warning',
    what: `From this node (${survey.by}) ${count(lost.length, 'instance')} cannot be reached, as its callers say: ${named(each, 3)}.`,
    meaning:
      'Whoever calls from this machine is not answered, though the node where it is registered is: a name, a route or a firewall differs between them. It is picked last here, and as ever elsewhere.',
    remedy: `Try it on this machine: curl -v ${shownUrl(first.url)}; if only its own machine reaches it, register it with a url that others reach; see how others see it: rollcall why ${shellWord(first.slug ?? first.id)} --server HOST:PORT.`,
    about: lost.map(({ id }) => id),
  }
}

function names(rows: readonly InstanceRow[]): Finding | undefined {
  const lost = rows.filter(({ status, details }) => status === 'Unknown' && isUnresolved(details))
  const [first] = lost
  if (first === undefined) return undefined
  const nodes = [...new Set(lost.map(({ nodeId, owner }) => nodeId ?? owner))]
  return {
    id: 'name-unresolved',
    severity: 'warning',
    what: `${named(nodes)} cannot resolve the names of ${count(lost.length, 'instance')}: ${first.details}.`,
    meaning: 'The resolver of that machine does not answer, so nobody knows how these are; they are picked last.',
    remedy: `Mend the resolver there: resolvectl status, cat /etc/resolv.conf.`,
    about: nodes,
  }
}

function failing(rows: readonly InstanceRow[]): Finding | undefined {
  const bad = rows.filter(({ visible, status }) => visible && isBad(status))
  if (bad.length === 0) return undefined
  const each = bad.map(
    ({ id, slug, status, details }) => `${slug ?? id} ${status}${details === undefined ? '' : ` (${details})`}`,
  )
  const how = failureOf(bad)
  return {
    id: 'checks-failing',
    severity: 'note',
    what: `${count(bad.length, 'instance')} of ${rows.length} ${how}: ${named(each, 3)}.`,
    meaning: 'They are not picked while others are well.',
    remedy: `See why: rollcall why ${shellWord(bad[0]?.slug ?? bad[0]?.id ?? '')}.`,
    about: bad.map(({ id }) => id),
  }
}

/** Of those whose ttl or session is over no check says anything: their programs have not spoken. */
function failureOf(bad: readonly InstanceRow[]): string {
  const lapsed = bad.filter(({ details }) => lapsedAlone(details) !== undefined).length
  const isOne = bad.length === 1
  if (lapsed === 0) return isOne ? 'fails its checks' : 'fail their checks'
  if (lapsed === bad.length) return isOne ? 'is not kept up by its program' : 'are not kept up by their programs'
  return `fail their checks, or are not kept up by their programs (${lapsed})`
}

function nameless(rows: readonly InstanceRow[], { answersDns = false }: Examined): Finding | undefined {
  const all = new Set(rows.flatMap(({ slug }) => slug ?? []))
  const slugs = answersDns ? [...all].filter((slug) => dnsNameOf(slug) === undefined).sort() : []
  if (slugs.length === 0) return undefined
  return {
    id: 'no-dns-name',
    severity: 'note',
    what: `${count(slugs.length, 'slug')} cannot be asked for by DNS: ${named(slugs)}.`,
    meaning: 'A name of DNS has letters, digits and hyphens, 63 at the most; all else finds these services as before.',
    remedy: 'Register them by another slug as well where callers use DNS.',
    about: slugs,
  }
}
