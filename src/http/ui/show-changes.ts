/**
 * What changed lately, with who did it, as far back as anybody remembers.
 */
import { type Change, changesOf, foundChanges } from './changes.js'
import { type Child, h } from './draw.js'
import type { Held } from './held.js'
import { list } from './list.js'
import { code, mark, unseen } from './marks.js'
import { remembered } from './remembered.js'
import { hashOf, type Route } from './route.js'
import { ageOf, clipped, clockOf, count } from './words.js'

const hour_ms = 3_600_000
const changes = remembered(changesOf)

export function showChanges(held: Held, route: Route): readonly Child[] {
  const now = Date.now()
  const { known } = held
  const all = changes(known.entries, known.news, known.clockAhead_ms ?? 0)
  const shown = foundChanges(all, route.filter, route.all === true ? 0 : now - hour_ms)
  const toggle = hashOf({ ...route, all: route.all !== true })
  return [
    h(
      'p',
      { class: 'dim tally' },
      `${count(shown.length, 'change')}${route.all === true ? '' : ' in the last hour'} · `,
      h('a', { href: toggle }, route.all === true ? 'the last hour alone' : 'all that is remembered'),
    ),
    list<Change>({
      id: 'changes',
      caption: 'Changes, newest first',
      columns: [
        {
          head: 'When',
          class: 'when',
          cell: ({ at_ms }) => h('time', { datetime: isoOf(at_ms), title: isoOf(at_ms) }, clockOf(at_ms, now)),
        },
        { head: 'Of', class: 'name', cell: (one) => [mark(one.tone), ' ', unseen(`${one.kind}: `), nameOf(one)] },
        {
          head: 'What',
          class: 'rest',
          cell: ({ what, by }) =>
            h(
              'span',
              { title: clipped(what) },
              clipped(what),
              h('span', { class: 'narrow dim' }, by === undefined ? '' : ` ${clipped(by)}`),
            ),
        },
        {
          head: 'By',
          class: 'by wide',
          cell: ({ by }) => (by === undefined ? h('span', { class: 'dim' }, 'found') : clipped(by)),
        },
        { head: 'Node', class: 'node wide', cell: ({ node = '' }) => node },
      ],
      rows: shown,
      keyOf: ({ key }) => key,
      empty: route.filter === '' ? 'Nothing has changed, as far as is remembered.' : 'Nothing that is remembered fits.',
    }),
    h('p', { class: 'end dim' }, memoryEnds(held, now)),
  ]
}

function isoOf(at_ms: number): string {
  return Number.isFinite(at_ms) && Math.abs(at_ms) < 8e15 ? new Date(at_ms).toISOString() : ''
}

function nameOf({ id, slug, node, kind }: Change): Child {
  if (id !== undefined)
    return h(
      'a',
      { href: hashOf({ view: 'services', ...(slug !== undefined && { service: slug }), instance: id }) },
      slug === undefined ? code(id) : [slug, ' ', code(id)],
    )
  if (slug !== undefined) return h('a', { href: hashOf({ view: 'services', service: slug }) }, slug)
  return node === undefined ? kind : h('a', { href: hashOf({ view: 'nodes', node }) }, node)
}

function memoryEnds(held: Held, now: number): string {
  const { clockAhead_ms: ahead = 0, self } = held.known
  const clock = `The clock of ${self?.nodeId ?? 'this node'} is ${ageOf(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} the one here, by which all is shown. `
  return `${ahead === 0 ? '' : clock}${whereMemoryEnds(held, now)}`
}

function whereMemoryEnds({ known: { entriesFrom, self, clockAhead_ms = 0 }, opened_ms }: Held, now: number): string {
  const page = `What was found without anybody's doing is known since this page was opened, ${clockOf(opened_ms, now)} (${ageOf(now - opened_ms)} ago).`
  if (entriesFrom === undefined) return `Memory ends here. ${page} This node does not tell who wrote what.`
  const from = Date.parse(entriesFrom) - clockAhead_ms
  return `Memory ends here: ${self?.nodeId ?? 'this node'} remembers since ${clockOf(from, now)} (${ageOf(now - from)} ago). Other nodes may remember more of what was done there.`
}
