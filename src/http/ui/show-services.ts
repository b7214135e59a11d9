/**
 * The services, worst first; of the one that is looked at its instances, of the instance that is looked at why it is picked or not.
 */
import { chainOf, type StepState } from './chain.js'
import type { Row } from './answers.js'
import { type Child, type Drawn, h } from './draw.js'
import type { Held } from './held.js'
import { list } from './list.js'
import { code, mark, marked, type Tone, toneOfStatus, unseen } from './marks.js'
import { hashOf, type Route } from './route.js'
import { type Availability, causeOf, fits, found, isThin, keyOf, type Service, wordsOf } from './services.js'
import { clipped, count } from './words.js'

export interface Shown {
  readonly held: Held
  readonly route: Route
  readonly services: readonly Service[]
}

const toneOf: Readonly<Record<Availability, Tone>> = { none: 'bad', one: 'plain', some: 'warn', all: 'good' }
const wordOf: Readonly<Record<Availability, string>> = {
  none: 'none to pick',
  one: 'one to pick',
  some: 'some to pick',
  all: 'all can be picked',
}

function toneOfService(service: Service): Tone {
  return service.slug === undefined ? 'plain' : isThin(service) ? 'warn' : toneOf[service.availability]
}

export function showServices({ held, route, services }: Shown): readonly Child[] {
  if (held.known.rows === undefined) return [h('p', { class: 'empty' }, 'Asking for the instances…')]
  const shown = found(services, route.filter)
  const chosen = chosenOf(route, services)
  return [
    h('p', { class: 'dim tally' }, tallyOf(services, shown, route.filter)),
    h(
      'div',
      { class: chosen === undefined ? 'one' : 'two' },
      h(
        'section',
        { key: 'services', class: 'first', 'aria-label': 'Services' },
        serviceList(shown, route, chosen?.service),
      ),
      chosen !== undefined &&
        h(
          'section',
          { key: 'chosen', class: 'second', 'aria-label': 'The chosen service' },
          detail(held, route, chosen),
        ),
    ),
  ]
}

function tallyOf(services: readonly Service[], shown: readonly Service[], filter: string): string {
  const instances = services.reduce((sum, { rows }) => sum + rows.length, 0)
  const all = `${count(services.length, 'service')}, ${count(instances, 'instance')}`
  if (filter === '') return all
  const words = wordsOf(filter)
  const fitting = shown.reduce((sum, { rows }) => sum + rows.filter((row) => fits(row, words)).length, 0)
  return `${fitting} of ${count(instances, 'instance')} in ${shown.length} of ${count(services.length, 'service')}`
}

interface Chosen {
  readonly service: Service | undefined
  readonly row: Row | undefined
  /** Of its id, should several nodes hold one. */
  readonly records: readonly Row[]
}

function chosenOf({ service: slug, instance: id }: Route, services: readonly Service[]): Chosen | undefined {
  if (slug === undefined && id === undefined) return undefined
  const records = id === undefined ? [] : services.flatMap(({ rows }) => rows.filter((row) => row.id === id))
  const row = records.find(({ visible }) => visible) ?? records[0]
  const service = services.find((one) => (one.slug ?? '') === (row === undefined ? slug : (row.slug ?? '')))
  return { service, row, records }
}

function serviceList(shown: readonly Service[], route: Route, chosen: Service | undefined): Drawn {
  const nameOf = ({ slug }: Service): string => slug ?? ''
  return list<Service>({
    id: 'services',
    caption: 'Services, worst first',
    columns: [
      {
        head: 'Service',
        class: 'name',
        cell: (one) => [
          mark(toneOfService(one)),
          ' ',
          unseen(`${wordOf[one.availability]}: `),
          one.slug ?? 'without a slug',
        ],
      },
      {
        head: 'To pick',
        class: 'figure',
        cell: ({ picked, rows }) => h('span', {}, h('strong', {}, picked.size), ` of ${rows.length}`),
      },
      { head: 'The others', class: 'rest', cell: ({ causes }) => h('span', { class: 'dim', title: causes }, causes) },
    ],
    rows: shown,
    keyOf: (one) => `=${nameOf(one)}`,
    hrefOf: (one) => hashOf({ view: 'services', filter: route.filter, service: nameOf(one) }),
    selected: chosen === undefined ? undefined : `=${nameOf(chosen)}`,
    empty:
      route.filter === ''
        ? 'Nothing is registered yet: rollcall register --slug web --url http://…'
        : 'Nothing fits. Esc clears the filter.',
  })
}

function detail(held: Held, route: Route, { service, row, records }: Chosen): readonly Child[] {
  const back = h('a', { class: 'back', href: hashOf({ view: 'services', filter: route.filter }) }, '← all services')
  if (service === undefined)
    return [back, h('p', { class: 'empty' }, `Nothing is registered here as ${route.instance ?? route.service ?? ''}.`)]
  const { slug, picked, rows } = service
  const words = wordsOf(route.filter)
  const fitting = rows.filter((one) => fits(one, words))
  const shown = fitting.length === 0 ? rows : fitting
  return [
    back,
    h(
      'h2',
      {},
      mark(toneOfService(service)),
      ' ',
      slug ?? 'without a slug',
      ' ',
      h('small', {}, `${picked.size} of ${count(rows.length, 'instance')} to pick`),
    ),
    row !== undefined &&
      records.length > 1 &&
      h('p', { class: 'dim' }, `${records.length} nodes hold a record of this id; shown is the one that counts.`),
    row !== undefined && instance(held, row, service),
    shown.length < rows.length && h('p', { class: 'dim' }, `${shown.length} of them fit the filter.`),
    instanceList(shown, service, route, row),
  ]
}

function instanceList(rows: readonly Row[], { slug, picked }: Service, route: Route, chosen: Row | undefined): Drawn {
  return list<Row>({
    id: 'instances',
    caption: `Instances of ${slug ?? 'no service'}, those that are not picked first`,
    columns: [
      { head: 'Instance', class: 'name', cell: ({ id }) => code(id) },
      {
        head: 'Picked?',
        class: 'state',
        cell: (row) =>
          picked.has(keyOf(row)) ? marked(toneOfStatus[row.status], row.status) : marked('bad', causeOf(row)),
      },
      { head: 'Url', class: 'url', cell: ({ url }) => code(url) },
      { head: 'Node', class: 'node wide', cell: ({ nodeId, owner }) => nodeId ?? owner },
    ],
    rows,
    keyOf,
    hrefOf: ({ id }) => hashOf({ view: 'services', filter: route.filter, service: slug ?? '', instance: id }),
    selected: chosen === undefined ? undefined : keyOf(chosen),
    empty: 'No instance.',
  })
}

const toneOfStep: Readonly<Record<StepState, Tone>> = { passes: 'good', last: 'warn', stops: 'bad', unknown: 'plain' }
const wordOfStep: Readonly<Record<StepState, string>> = {
  passes: 'passes',
  last: 'picked last',
  stops: 'stops it',
  unknown: 'not known',
}

function instance(held: Held, row: Row, service: Service): Drawn {
  const { known } = held
  const home = known.members.find(({ peer }) => peer === row.owner)
  const { steps, isPicked, verdict } = chainOf(row, service, home, held.ageOf('rows'))
  return h(
    'article',
    { key: 'instance', class: 'instance', 'aria-label': `Instance ${row.id}` },
    h('h3', {}, code(row.id)),
    h('p', { class: 'dim' }, code(row.url)),
    h('p', { class: `says ${isPicked ? 'good' : 'bad'}` }, mark(isPicked ? 'good' : 'bad'), ' ', verdict),
    h(
      'ol',
      { class: 'chain' },
      steps.map(({ name, state, text }, i) =>
        h(
          'li',
          { key: String(i), class: state },
          mark(toneOfStep[state]),
          h(
            'span',
            {},
            h('strong', {}, name),
            unseen(` (${wordOfStep[state]})`),
            h('span', { class: 'dim' }, ` ${clipped(text)}`),
          ),
        ),
      ),
    ),
    facts(row),
  )
}

function facts({ tags = [], version, zone, region, weight, ports = {}, metadata = {}, deploymentId }: Row): Child {
  const said = [
    ['tags', tags.join(', ')],
    ['version', version ?? ''],
    ['zone', [zone ?? '', region ?? ''].filter((part) => part !== '').join(', ')],
    ['weight', weight === undefined ? '' : String(weight)],
    [
      'ports',
      Object.entries(ports)
        .map(([name, port]) => `${name} ${port}`)
        .join(', '),
    ],
    ['deployment', deploymentId ?? ''],
    ...Object.entries(metadata).slice(0, 32),
  ].filter(([, value]) => value !== '')
  if (said.length === 0) return undefined
  return h(
    'dl',
    { class: 'facts' },
    said.map(([name = '', value = '']) => [h('dt', {}, clipped(name)), h('dd', {}, clipped(value))]),
  )
}
