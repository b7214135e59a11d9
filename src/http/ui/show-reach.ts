/**
 * Who cannot reach whom: the pairs that fail, then all nodes against all, by zone.
 */
import type { Surveyed } from './answers.js'
import { type Child, type Drawn, h } from './draw.js'
import type { Held } from './held.js'
import { list } from './list.js'
import { mark, marked, unseen } from './marks.js'
import { answers, between, type Cell, mostShown, type Reach, type Trouble, type Zone } from './reach.js'
import { hashOf, type Route } from './route.js'
import { wordsOf } from './services.js'
import { ageOf, clipped, count } from './words.js'

const shapes: Readonly<Record<Cell | 'one-way', readonly [shape: string, word: string]>> = {
  'one-way': ['↛', 'does not hear, though heard there'],
  fails: ['✗', 'does not hear'],
  away: ['▪', 'not there: it answers nobody'],
  open: ['•', 'connected'],
  heard: ['∘', 'hears of it through others, as is meant in big clusters'],
  unknown: ['?', 'did not say'],
  self: ['–', 'itself'],
}

export function showReach(held: Held, route: Route, reach: Reach | undefined): readonly Child[] {
  if (reach === undefined) return [h('p', { class: 'empty' }, 'Asking all nodes what they see…')]
  const { troubles, zones, shown, left } = reach
  const words = wordsOf(route.filter)
  const text = ({ id, zone }: Surveyed): string => `${id}\n${zone ?? ''}`.toLowerCase()
  const fitting = troubles.filter(({ from, to }) =>
    words.every((word) => text(from).includes(word) || text(to).includes(word)),
  )
  // Of one that answers nobody all others would say the same.
  const pairs = fitting.filter(({ to }) => answers(to))
  const silent = zones.flatMap(({ nodes }) => nodes).filter((node) => !answers(node) && node.how !== 'not-asked')
  return [
    h('p', { class: 'dim tally' }, whose(held, reach)),
    silent.length > 0 &&
      h('p', { key: 'silent', class: 'says bad' }, mark('bad'), ' ', silentInWords(silent, troubles)),
    pairs.length > 0 && troubleList(pairs, held),
    pairs.length === 0 &&
      h('p', { class: 'says good' }, mark('good'), ' Whoever answers is reached by all who should reach it.'),
    zones.length > 1 && zoneMatrix(reach),
    shown.length > 1 && nodeMatrix(reach),
    left > 0 &&
      h(
        'p',
        { class: 'dim' },
        `${count(left, 'node')} more with no or less trouble; shown are at most ${mostShown} in trouble.`,
      ),
  ]
}

/** The word of the survey, for people. */
const howInWords = {
  silent: 'said nothing in time',
  busy: 'was asked too much at once',
  old: 'of a version that does not tell',
  unreachable: 'not reached',
  'not-asked': 'not asked',
  self: '',
  answered: '',
} as const

function silentInWords(silent: readonly Surveyed[], troubles: readonly Trouble[]): string {
  const said = silent.slice(0, 8).map((node) => {
    const by = troubles.filter(({ to }) => to.peer === node.peer).length
    return `${node.id} (${howInWords[node.how]}${by === 0 ? '' : `; away for ${count(by, 'node')}`})`
  })
  return `Without an answer: ${said.join(', ')}${silent.length > 8 ? ` and ${silent.length - 8} more` : ''}`
}

function whose(held: Held, { zones }: Reach): string {
  const nodes = zones.flatMap((zone) => zone.nodes)
  const said = nodes.filter(answers).length
  return `As ${said} of ${count(nodes.length, 'node')} say, asked by ${held.known.survey?.by ?? ''} ${ageOf(held.ageOf('survey'))} ago`
}

function troubleList(troubles: readonly Trouble[], held: Held): Drawn {
  const since_ms = held.ageOf('survey')
  return list<Trouble>({
    id: 'troubles',
    caption: 'Who does not hear whom, one-way failures first',
    columns: [
      {
        head: 'From',
        class: 'name',
        cell: ({ from, isOneWay }) => [
          mark(isOneWay ? 'warn' : 'bad', shapes[isOneWay ? 'one-way' : 'fails'][0]),
          ' ',
          from.id,
        ],
      },
      { head: 'Does not hear', class: 'node', cell: ({ to }) => to.id },
      {
        head: 'How',
        class: 'rest',
        cell: ({ isOneWay, sight }) => [
          isOneWay ? h('strong', { class: 'warn' }, 'one way, ') : '',
          sight.state,
          sight.failure === undefined ? '' : `: ${clipped(sight.failure)}`,
        ],
      },
      {
        head: 'For',
        class: 'figure wide',
        cell: ({ sight }) => (sight.since_ms === undefined ? '' : ageOf(sight.since_ms + since_ms)),
      },
    ],
    rows: troubles,
    keyOf: ({ from, to }) => `${from.peer} ${to.peer}`,
    empty: 'None of those that fail fits the filter.',
  })
}

function zoneMatrix(reach: Reach): Drawn {
  const { zones } = reach
  const cell = (from: Zone, to: Zone): Drawn => {
    const { fails, oneWay, pairs } = between(reach, from, to)
    if (pairs === 0) return h('td', { class: 'self' }, '–')
    const tone = fails === 0 ? 'good' : oneWay > 0 ? 'warn' : 'bad'
    return h(
      'td',
      {},
      marked(
        tone,
        fails === 0 ? `all ${pairs}` : `${fails} of ${pairs} fail${oneWay > 0 ? `, ${oneWay} one way` : ''}`,
      ),
    )
  }
  return h(
    'div',
    { key: 'zones', class: 'matrix', role: 'group', 'aria-label': 'Zone by zone', tabindex: 0 },
    h(
      'table',
      {},
      h('caption', {}, 'From the zone at the left to the zone above'),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, 'Zone'),
          zones.map(({ name }) => h('th', { scope: 'col' }, name === '' ? 'no zone' : name)),
        ),
      ),
      h(
        'tbody',
        {},
        zones.map((from) =>
          h(
            'tr',
            { key: `=${from.name}` },
            h(
              'th',
              { scope: 'row' },
              from.name === '' ? 'no zone' : from.name,
              h('span', { class: 'dim' }, ` ${count(from.nodes.length, 'node')}`),
            ),
            zones.map((to) => cell(from, to)),
          ),
        ),
      ),
    ),
  )
}

/** Columns have numbers, which stand before the names of the rows: names do not fit there. */
function nodeMatrix(reach: Reach): Drawn {
  const { shown, zones } = reach
  const starts = new Set<string>()
  const groups = zones
    .map(({ name, nodes }) => ({ name, nodes: nodes.filter((node) => shown.includes(node)) }))
    .filter(({ nodes }) => nodes.length > 0)
  for (const { nodes } of groups) if (nodes[0] !== undefined) starts.add(nodes[0].peer)
  const number = (node: Surveyed): number => shown.indexOf(node) + 1
  const cell = (from: Surveyed, to: Surveyed): Drawn => {
    const isOneWay = reach.isOneWay(from, to)
    const kind = isOneWay ? 'one-way' : reach.cell(from, to)
    const [shape, word] = shapes[kind]
    const rtt = kind === 'open' ? reach.sight(from, to)?.rtt_ms : undefined
    const title =
      kind === 'self'
        ? from.id
        : `${from.id} → ${to.id}: ${word}${rtt === undefined ? '' : `, ${rtt.toFixed(1)} ms there and back`}`
    return h(
      'td',
      { class: `${kind}${starts.has(to.peer) ? ' edge' : ''}`, title },
      h('span', { 'aria-hidden': 'true' }, shape),
      unseen(word),
    )
  }
  return h(
    'div',
    { key: 'nodes', class: 'matrix', role: 'group', 'aria-label': 'Node by node', tabindex: 0 },
    h(
      'table',
      { class: 'cells' },
      h('caption', {}, 'From the node at the left to the node above'),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, 'Node'),
          shown.map((node) =>
            h(
              'th',
              { scope: 'col', title: node.id, class: starts.has(node.peer) ? 'edge' : undefined },
              h('span', { 'aria-hidden': 'true' }, number(node)),
              unseen(node.id),
            ),
          ),
        ),
      ),
      groups.map(({ name, nodes }) =>
        h(
          'tbody',
          { key: `=${name}` },
          groups.length > 1 &&
            h(
              'tr',
              { class: 'zone' },
              h('th', { scope: 'rowgroup', colspan: shown.length + 1 }, name === '' ? 'no zone' : name),
            ),
          nodes.map((from) =>
            h(
              'tr',
              { key: from.peer },
              h(
                'th',
                { scope: 'row' },
                h('span', { class: 'dim number' }, number(from)),
                ' ',
                h('a', { href: hashOf({ view: 'nodes', node: from.peer }) }, from.id),
              ),
              shown.map((to) => cell(from, to)),
            ),
          ),
        ),
      ),
    ),
    h(
      'p',
      { class: 'legend dim' },
      (['one-way', 'fails', 'away', 'open', 'heard', 'unknown'] as const).map((kind) =>
        h('span', {}, h('span', { class: `sign ${kind}` }, shapes[kind][0]), ` ${shapes[kind][1]}`),
      ),
    ),
  )
}
