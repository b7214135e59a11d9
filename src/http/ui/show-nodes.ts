/**
 * The nodes: which live, how busy each is, what it has; of the one that is looked at all that is known.
 */
import type { Member, Node, Surveyed } from './answers.js'
import { type Child, type Drawn, h } from './draw.js'
import type { Held } from './held.js'
import { list } from './list.js'
import { code, mark, toneOfMember, unseen } from './marks.js'
import { pageOf } from './pages.js'
import { hashOf, type Route } from './route.js'
import { counts, wordsOf } from './services.js'
import { nameOf } from './verdict.js'
import { ageOf, bytesOf, clipped, count } from './words.js'

interface Line {
  readonly member: Member
  readonly node: Node | undefined
  readonly surveyed: Surveyed | undefined
  readonly instances: number
}

interface Gpu {
  readonly id?: string
  readonly name?: string
  readonly gpuUtilization?: number
  readonly memoryUsage?: number
  readonly memoryTotal?: number
  readonly temperature?: number
  readonly powerUsage?: number
  readonly powerCap?: number
}

const rank = { dead: 0, hidden: 1, alive: 2, unknown: 3, left: 4 } as const

export function showNodes(held: Held, route: Route): readonly Child[] {
  const lines = linesOf(held)
  const words = wordsOf(route.filter)
  const shown = lines.filter((line) => {
    const { member } = line
    const text = [nameOf(member), member.peer, member.url, member.state, ...placeOf(line)].join('\n').toLowerCase()
    return words.every((word) => text.includes(word))
  })
  const chosen = lines.find(
    ({ member }) => route.node !== undefined && (member.peer === route.node || member.nodeId === route.node),
  )
  const alive = lines.filter(({ member }) => member.state === 'alive').length
  return [
    h('p', { class: 'dim tally' }, `${alive} of ${count(lines.length, 'node')} alive`),
    h(
      'div',
      { class: chosen === undefined ? 'one' : 'two' },
      h(
        'section',
        { key: 'nodes', class: 'first', 'aria-label': 'Nodes' },
        nodeList(shown, route, chosen, held.ageOf('self')),
      ),
      chosen !== undefined &&
        h('section', { key: 'chosen', class: 'second', 'aria-label': 'The chosen node' }, detail(chosen, route, held)),
    ),
  ]
}

function linesOf({ known: { members, nodes, survey, rows = [] } }: Held): readonly Line[] {
  const byName = new Map(nodes.map((node) => [`${node.id} ${node.url}`, node]))
  const surveyed = new Map(survey?.nodes.map((node) => [node.peer, node]))
  const instances = new Map<string, number>()
  for (const row of rows) if (counts(row)) instances.set(row.owner, (instances.get(row.owner) ?? 0) + 1)
  const lines = members.map((member): Line => ({
    member,
    node: byName.get(`${member.nodeId} ${member.url}`),
    surveyed: surveyed.get(member.peer),
    instances: instances.get(member.peer) ?? 0,
  }))
  return [...lines].sort(
    (a, b) => rank[a.member.state] - rank[b.member.state] || (nameOf(a.member) < nameOf(b.member) ? -1 : 1),
  )
}

/** Zone, region; of those that are in no listing as the survey knows them. */
function placeOf({ node, surveyed }: Line): readonly (string | undefined)[] {
  return [node?.availabilityZone ?? surveyed?.zone, node?.region ?? surveyed?.region]
}

function nodeList(shown: readonly Line[], route: Route, chosen: Line | undefined, since_ms: number): Drawn {
  return list<Line>({
    id: 'nodes',
    caption: 'Nodes, those that are not alive first',
    columns: [
      {
        head: 'Node',
        class: 'name',
        cell: ({ member }) => [
          mark(toneOfMember[member.state]),
          ' ',
          unseen(`${member.state}: `),
          nameOf(member),
          member.self && h('span', { class: 'dim' }, ' (this one)'),
        ],
      },
      {
        head: 'State',
        class: 'state',
        cell: ({ member }) => `${member.state}, ${ageOf(member.stateAge_ms + since_ms)}`,
      },
      {
        head: 'Zone',
        class: 'zone wide',
        cell: (line) => {
          const [zone = '', region] = placeOf(line)
          return [zone, region === undefined ? '' : h('span', { class: 'dim' }, ` ${region}`)]
        },
      },
      {
        head: 'CPU',
        class: 'gauge',
        cell: ({ node, member }) =>
          gauge('CPU', member.state === 'alive' ? (node?.usage?.cpu?.percent ?? member.load) : undefined),
      },
      { head: 'Memory', class: 'gauge', cell: ({ node }) => gauge('Memory', node?.usage?.memory?.percent) },
      { head: 'Disk', class: 'gauge wide', cell: ({ node }) => gauge('Disk', node?.usage?.disk?.percent) },
      { head: 'GPUs', class: 'gpus wide', cell: ({ node }) => gpusInShort(gpusOf(node)) },
      { head: 'Instances', class: 'figure wide', cell: ({ instances }) => String(instances) },
    ],
    rows: shown,
    keyOf: ({ member }) => member.peer,
    hrefOf: ({ member }) => hashOf({ view: 'nodes', filter: route.filter, node: member.peer }),
    selected: chosen?.member.peer,
    empty: 'No node fits. Esc clears the filter.',
  })
}

function gauge(of: string, percent: number | undefined): Child {
  if (percent === undefined) return h('span', { class: 'dim' }, '–')
  const rounded = Math.round(percent)
  return [h('meter', { min: 0, max: 100, value: rounded, 'aria-label': of }), ` ${rounded} %`]
}

function gpusOf(node: Node | undefined): readonly Gpu[] {
  return (node?.gpus ?? []).filter((gpu): gpu is Gpu => typeof gpu === 'object' && gpu !== null).slice(0, 64)
}

function gpusInShort(gpus: readonly Gpu[]): string {
  const [first] = gpus
  if (first === undefined) return ''
  const known = gpus.flatMap(({ gpuUtilization }) => gpuUtilization ?? [])
  const busy = known.length === 0 ? '' : `, ${Math.round(known.reduce((sum, one) => sum + one, 0) / known.length)} %`
  return `${gpus.length} × ${first.name ?? 'GPU'}${busy}`
}

function detail(line: Line, route: Route, held: Held): readonly Child[] {
  const { member, node, surveyed, instances } = line
  const since_ms = held.ageOf('self')
  const name = nameOf(member)
  const page = pageOf(member.url)
  const { usage } = node ?? {}
  const part = (used: number | undefined, total: number | undefined): string =>
    used === undefined || total === undefined ? '' : `${bytesOf(used)} of ${bytesOf(total)}`
  const facts: readonly (readonly [string, Child])[] = [
    [
      'state',
      `${member.state} for ${ageOf(member.stateAge_ms + since_ms)}${member.why === undefined ? '' : `: ${clipped(member.why)}`}`,
    ],
    [
      'heard',
      member.self
        ? 'it is this node'
        : member.heardAge_ms === undefined
          ? 'not since this node started'
          : `${ageOf(member.heardAge_ms + since_ms)} ago`,
    ],
    ['trouble', member.trouble === undefined ? '' : clipped(member.trouble)],
    ['url', code(member.url ?? '')],
    ['page', page === undefined || member.self ? '' : h('a', { href: page, rel: 'noreferrer' }, `as ${name} sees it`)],
    ['peer id', code(member.peer)],
    [
      'zone',
      placeOf(line)
        .filter((text) => text !== undefined)
        .join(', '),
    ],
    [
      'version',
      [
        surveyed?.software ?? (member.self ? held.known.self?.version : undefined) ?? '',
        surveyed?.protocol === undefined ? '' : `protocol ${surveyed.protocol}`,
      ]
        .filter((text) => text !== '')
        .join(', '),
    ],
    [
      'clock',
      surveyed?.clockOffset_ms === undefined
        ? ''
        : `${ageOf(Math.abs(surveyed.clockOffset_ms))} ${surveyed.clockOffset_ms < 0 ? 'behind' : 'ahead of'} this node's`,
    ],
    ['memory', part(usage?.memory?.used, usage?.memory?.total)],
    ['disk', part(usage?.disk?.used, usage?.disk?.total)],
    ['instances', h('a', { href: hashOf({ view: 'services', filter: name }) }, count(instances, 'instance'))],
  ]
  return [
    h('a', { class: 'back', href: hashOf({ view: 'nodes', filter: route.filter }) }, '← all nodes'),
    h('h2', {}, mark(toneOfMember[member.state]), ' ', name, ' ', h('small', {}, member.state)),
    h(
      'dl',
      { class: 'facts' },
      facts.filter(([, value]) => value !== '').map(([what, value]) => [h('dt', {}, what), h('dd', {}, value)]),
    ),
    gpuTable(gpusOf(node)),
  ]
}

function gpuTable(gpus: readonly Gpu[]): Child {
  if (gpus.length === 0) return undefined
  const figure = (value: number | undefined, unit: string): string =>
    value === undefined ? '–' : `${Math.round(value)} ${unit}`
  return h(
    'div',
    { class: 'matrix', role: 'group', 'aria-label': 'GPUs', tabindex: 0 },
    h(
      'table',
      {},
      h('caption', {}, 'GPUs'),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['GPU', 'Busy', 'Memory', 'Temperature', 'Power'].map((head) => h('th', { scope: 'col' }, head)),
        ),
      ),
      h(
        'tbody',
        {},
        gpus.map((gpu) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, clipped(String(gpu.name ?? gpu.id ?? 'GPU'))),
            h('td', {}, figure(gpu.gpuUtilization, '%')),
            h(
              'td',
              {},
              gpu.memoryUsage === undefined || gpu.memoryTotal === undefined
                ? '–'
                : `${gpu.memoryUsage} of ${gpu.memoryTotal} MiB`,
            ),
            h('td', {}, figure(gpu.temperature, '°C')),
            h(
              'td',
              {},
              gpu.powerUsage === undefined ? '–' : `${Math.round(gpu.powerUsage)} of ${figure(gpu.powerCap, 'W')}`,
            ),
          ),
        ),
      ),
    ),
  )
}
