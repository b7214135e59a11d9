// What the web page makes of what it is told, without a browser: who can be picked, what stops one, who does not reach whom.
import { expect, test, vi } from 'vitest'
import { ask, keepToken, token, Unanswered } from '../../src/http/ui/asking.js'
import { changesOf, foundChanges } from '../../src/http/ui/changes.js'
import { chainOf } from '../../src/http/ui/chain.js'
import { h } from '../../src/http/ui/draw.js'
import { pageOf } from '../../src/http/ui/pages.js'
import { between, mostShown, reachOf } from '../../src/http/ui/reach.js'
import { hashOf, parseRoute } from '../../src/http/ui/route.js'
import { found, isThin, servicesOf } from '../../src/http/ui/services.js'
import { problemsOf } from '../../src/http/ui/verdict.js'
import { harmless } from '../../src/core/words/harmless.js'
import type { Finding, Peers, Row, Self } from '../../src/http/ui/answers.js'
import { member, nodesOf, row } from '../daemon/pretended.js'

const dead = { visible: false, reason: 'node-dead', why: 'node dead' } as const
const away = { reached: false, how: 'refused' } as const

test('services with nobody to pick come first, then those that are down to one; what was removed is none of them', () => {
  const services = servicesOf([
    row('all-1', 'all', 1),
    row('all-2', 'all', 2),
    row('single', 'single', 1),
    row('thin-1', 'thin', 1),
    row('thin-2', 'thin', 2, { status: 'Unreachable' }),
    row('some-1', 'some', 1),
    row('some-2', 'some', 2),
    row('some-3', 'some', 3, { visible: false, reason: 'maintenance' }),
    row('none-1', 'none', 1, dead),
    row('old', 'old', 1, { visible: false, reason: 'removed' }),
    row('nameless', '', 1, { slug: undefined } as Partial<Row>),
  ])
  const shown = services.map(({ slug, availability, picked, rows, causes }) => [
    slug,
    availability,
    `${picked.size}/${rows.length}`,
    causes,
  ])
  expect(shown).toEqual([
    ['none', 'none', '0/1', '1 node dead'],
    ['thin', 'one', '1/2', '1 Unreachable'],
    ['single', 'one', '1/1', ''],
    ['some', 'some', '2/3', '1 in maintenance'],
    ['all', 'all', '2/2', ''],
    [undefined, 'one', '1/1', ''],
  ])
  expect(services.filter(isThin).map(({ slug }) => slug)).toEqual(['thin'])
})

test('who can be picked the daemon says, whatever else stands in a row', () => {
  const odd = row('b', 's', 2, { status: 'Error', pickable: true })
  const [service] = servicesOf([{ ...row('a', 's', 1), pickable: undefined } as unknown as Row, odd])
  expect([...(service?.picked ?? [])]).toEqual(['peer-2 b'])
})

test.each<[Partial<Row>, string, string]>([
  [{ visible: false, reason: 'removed' }, 'Removed', 'Not picked: removed.'],
  [dead, 'Home node dead', 'Not picked: home node dead.'],
  [
    { status: 'Unreachable', details: 'ECONNREFUSED' },
    'Last check: Unreachable',
    'Not picked: last check: Unreachable.',
  ],
  [{ visible: false, reason: 'maintenance', maintenance: 'disks' }, 'In maintenance', 'Not picked: in maintenance.'],
  [{ fromHere: away }, 'Not reached from here', 'Not picked at present: not reached from here; 1 better one there.'],
])('of an instance with %j the step that stops it is named', (said, step, verdict) => {
  const one = row('a', 's', 1, said)
  const [service] = servicesOf([one, row('b', 's', 2)])
  const chain = chainOf(one, service, member(1, said === dead ? { state: 'dead' } : {}), 0)
  expect(chain.steps.filter(({ state }) => state !== 'passes').map(({ name }) => name)).toEqual([step])
  expect(chain).toMatchObject({ isPicked: false, verdict })
})

const asked = { at: '2026-11-29T03:00:00.000Z', by: 'node-0', took_ms: 3 }

test('a link that is cut one way is told from a node that is gone; big clusters show those in trouble', () => {
  const cut = nodesOf(6, (i, j) => (j === 5 ? { state: 'dead' } : i === 1 && j === 4 ? { link: 'failing' } : {}))
  const reach = reachOf({
    ...asked,
    nodes: cut.survey.map((one, i) => (i === 5 ? { ...one, how: 'unreachable', sees: [] } : one)),
  })
  const [first] = reach.troubles
  expect([first?.from.id, first?.to.id, first?.isOneWay]).toEqual(['node-1', 'node-4', true])
  const at = (i: number) => reach.zones.flatMap(({ nodes }) => nodes).find(({ id }) => id === `node-${i}`)!
  expect([
    reach.cell(at(1), at(4)),
    reach.cell(at(4), at(1)),
    reach.cell(at(0), at(5)),
    reach.cell(at(5), at(0)),
  ]).toEqual(['fails', 'open', 'away', 'unknown'])
  const [, zone, withoutAnswer] = reach.zones
  expect(between(reach, zone!, zone!)).toEqual({ fails: 1, oneWay: 1, pairs: 2 })
  // Of node-5, which answers nobody, no other is asked.
  expect(between(reach, withoutAnswer!, withoutAnswer!)).toEqual({ fails: 0, oneWay: 0, pairs: 0 })
  const lost = nodesOf(6, (i, j) =>
    (i === 1 && j === 4) || (i === 4 && j === 1) ? { link: 'failing', hears: i === 4 } : {},
  )
  const gone = reachOf({ ...asked, nodes: lost.survey })
  expect(gone.troubles.map(({ from, to, isOneWay }) => [from.id, to.id, isOneWay])).toEqual([
    ['node-1', 'node-4', true],
    ['node-4', 'node-1', false],
  ])
  const big = reachOf({
    ...asked,
    nodes: nodesOf(200, (i, j) => (i === 7 && j === 9 ? { state: 'hidden' } : {})).survey,
  })
  expect(big.shown.map(({ id }) => id).sort()).toEqual(['node-7', 'node-9'])
  expect(reachOf({ ...asked, nodes: nodesOf(200, () => ({ state: 'hidden' })).survey }).shown.length).toBe(mostShown)
})

const finding = (id: Finding['id'], ...about: string[]): Finding => ({
  ...{ id, severity: 'warning', what: `${id} ${about.join()}`, meaning: 'so', remedy: `mend ${id}`, about },
})

test('what the page says itself the doctor does not say once more, and tells what to do; what it says of others leads there', () => {
  const members = [member(0), member(1, { state: 'dead', dial: 'refused' })]
  const findings = [
    finding('node-gone', 'node-1'),
    finding('nothing-to-pick', 'web'),
    finding('not-ready', 'node-0'),
    finding('not-ready', 'node-2'),
    finding('one-way-link', 'node-3→node-4'),
    finding('instance-loopback', 'a'),
    { ...finding('checks-failing', 'a'), severity: 'note' as const },
  ]
  const self = { nodeId: 'node-0', ready: { ready: true, reasons: [] } } as unknown as Self
  const known = { self, members, findings, nodes: [], definitions: [], entries: [], news: [] }
  const problems = problemsOf({ known, services: [], now_ms: 0, membersAge_ms: 0 })
  expect(problems.map(({ text, remedy, to }) => [text, remedy, hashOf(to)])).toEqual([
    ['Node node-1 is dead: its process is gone', 'mend node-gone', '#/nodes?node=peer-1'],
    ['not-ready node-2', 'mend not-ready', '#/nodes?node=node-2'],
    ['one-way-link node-3→node-4', 'mend one-way-link', '#/reach'],
    ['instance-loopback a', 'mend instance-loopback', '#/services?id=a'],
  ])
})

test('of a node that is heard again the page says that it has to stay well, and nothing of what its machine said before', () => {
  const home = member(1, { state: 'dead', dial: 'refused', returnsIn_ms: 8000 })
  const known = { members: [member(0), home], nodes: [], definitions: [], entries: [], news: [] }
  const [problem] = problemsOf({ known, services: [], now_ms: 0, membersAge_ms: 0 })
  expect(problem?.text).toBe('Node node-1 is dead, is heard again, and has to stay well before it counts')
  const chain = chainOf(row('a', 's', 1, dead), undefined, home, 0)
  const step = chain.steps.find(({ name }) => name === 'Home node dead')
  expect(step?.text).toContain('it has to stay well for a while before it counts again')
  expect(step?.text).not.toContain('its process is gone')
})

test('who is cut off says so, and nothing of those whom it does not hear but where their machine answered', () => {
  const dials = ['refused', 'silent', 'no-answer', undefined] as const
  const members = dials.map((dial, i) => member(i + 1, { state: 'dead', ...(dial !== undefined && { dial }) }))
  const peers = { degraded: true } as Peers
  const known = { peers, members, nodes: [], definitions: [], entries: [], news: [] }
  const keys = problemsOf({ known, services: [], now_ms: 0, membersAge_ms: 0 }).map(({ key }) => key)
  expect(keys).toEqual(['in-doubt', 'member peer-1', 'member peer-2'])
})

test('what is wrong is said with since when, where anybody knows that', () => {
  const now_ms = Date.parse('2026-11-29T12:00:00Z')
  // As the log tells it: not when it was heard last, which is earlier, nor when it was given up.
  const ages = { stateAge_ms: 57_000, outOfSight_ms: 60_000, heardAge_ms: 62_000 }
  const members = [member(0), member(1, { state: 'dead', ...ages, dial: 'refused' })]
  const rows = [row('a', 'web', 1, dead), row('b', 'api', 0, { status: 'Error' })]
  const known = { members, rows, nodes: [], definitions: [], entries: [], news: [] }
  const facts = { known, services: servicesOf(rows), now_ms, membersAge_ms: 0 }
  expect(problemsOf(facts).map(({ text, since_ms }) => [text, since_ms])).toEqual([
    ['Node node-1 is dead: its process is gone', now_ms - 60_000],
    ['2 services without an instance to pick: api, web', undefined],
  ])
  const one = { ...facts, services: servicesOf(rows.slice(0, 1)) }
  expect(problemsOf(one)[1]?.since_ms).toBe(now_ms - 60_000)
  // The last of them to go counts; of one that has been well since, what was written before says nothing.
  const at = (age_ms: number): string => new Date(now_ms - age_ms).toISOString()
  const services = servicesOf([...rows, row('c', 'web', 0, { visible: false, reason: 'maintenance' })])
  const entries = [
    { at: at(90_000), act: 'found', id: 'b', details: 'Error: answered 500', via: 'daemon' },
    { at: at(30_000), act: 'maintenance', id: 'c' },
    { at: at(10_000), act: 'update', id: 'c' },
  ]
  const remembered = { ...facts, known: { ...known, entries }, services }
  expect(problemsOf(remembered)[1]?.since_ms).toBe(now_ms - 90_000)
  const ahead = { ...remembered, known: { ...known, entries, clockAhead_ms: 5000 } }
  expect(problemsOf(ahead)[1]?.since_ms).toBe(now_ms - 95_000)
  const web = services.filter(({ slug }) => slug === 'web')
  expect(problemsOf({ ...remembered, services: web })[1]?.since_ms).toBe(now_ms - 30_000)
})

test('what explains others comes before them; a reason not to be ready that the doctor tells is told once', () => {
  const members = [member(0), member(1, { state: 'hidden' })]
  const rows = [row('a', 'web', 1, dead)]
  const findings = (['node-gone', 'nothing-to-pick', 'clone', 'disk-refuses', 'label-twice'] as const).map(
    (id): Finding => ({ ...finding(id, id === 'disk-refuses' ? 'node-0' : 'node-1'), severity: 'error' }),
  )
  const unready = (...causes: readonly string[]): Self =>
    ({ nodeId: 'node-0', ready: { ready: false, reasons: causes, causes } }) as unknown as Self
  const keysOf = (self: Self): string[] => {
    const known = { self, members, rows, findings, nodes: [], definitions: [], entries: [], news: [] }
    return problemsOf({ known, services: servicesOf(rows), now_ms: 0, membersAge_ms: 0 }).map(({ key }) => key)
  }
  const common = ['member peer-1', 'none', 'doctor label-twice node-1']
  expect(keysOf(unready('disk'))).toEqual(['doctor clone node-1', 'doctor disk-refuses node-0', ...common])
  expect(keysOf(unready('disk', 'joining'))).toContain('unready')
})

test('whom a wrong key keeps out says nothing of those who seem to be mute', () => {
  const members = [
    member(0),
    member(1, { state: 'dead', dial: 'silent' }),
    member(2, { state: 'dead', dial: 'refused' }),
  ]
  const self = { nodeId: 'node-0', ready: { ready: true, reasons: [] } } as unknown as Self
  const findings = [finding('wrong-key', 'node-0', '10.0.0.2:1')]
  const known = {
    self,
    peers: { degraded: true } as Peers,
    members,
    findings,
    nodes: [],
    definitions: [],
    entries: [],
    news: [],
  }
  const keys = problemsOf({ known, services: [], now_ms: 0, membersAge_ms: 0 }).map(({ key }) => key)
  expect(keys.filter((key) => key.startsWith('member'))).toEqual(['member peer-2'])
})

test('changes of a daemon whose clock is off are of the last hour by the clock here', () => {
  const at = '2026-11-28T12:00:00.000Z'
  const now_ms = Date.parse('2026-11-29T12:10:00.000Z')
  const changes = changesOf([{ at, act: 'register', id: 'a' }], [], -86_400_000)
  expect(foundChanges(changes, '', now_ms - 3_600_000).map(({ at_ms }) => now_ms - at_ms)).toEqual([600_000])
})

test('a change that a node remembers is not told once more as news; they are found by who did them', () => {
  const at = '2026-11-29T12:00:00.000Z'
  const entries = [{ at, act: 'register', id: 'a', slug: 'web', by: 'anna', address: '10.0.0.1', outcome: 'refused' }]
  const news = (id: string) => ({ at, type: 'instance', id, slug: 'web', change: 'hidden' }) as const
  const changes = changesOf(entries, [news('a'), news('b')])
  expect(changes.map(({ id, what, by }) => [id, what, by])).toEqual([
    ['a', 'register, refused', 'anna, 10.0.0.1'],
    ['b', 'is not visible any more', undefined],
  ])
  expect(foundChanges(changes, 'ANNA web', 0).map(({ id }) => id)).toEqual(['a'])
  expect(foundChanges(changes, '', Date.parse(at) + 1)).toEqual([])
})

test('what is shown stands in the url, whatever its names are', () => {
  const route = { view: 'services', filter: 'a b&c', service: 'x?y#z', instance: '../%2e' } as const
  expect(parseRoute(hashOf(route))).toEqual(route)
  expect(parseRoute(hashOf({ view: 'services', service: '' }))).toEqual({ view: 'services', filter: '', service: '' })
  expect(parseRoute('#/nothing?f=1')).toEqual({ view: 'services', filter: '1' })
})

test('services are found by what their instances are, in any case', () => {
  const services = servicesOf([row('abc', 'web', 1, { host: 'Box' }), row('def', 'api', 2)])
  for (const words of ['WEB', 'box', 'abc', '8001', 'node-1', 'web 10.0.0.1'])
    expect(found(services, words).map(({ slug }) => slug)).toEqual(['web'])
})

test('only web addresses become links to pages', () => {
  expect(pageOf('http://10.0.0.1:58231/')).toBe('http://10.0.0.1:58231/ui')
  for (const url of [
    'javascript:alert(1)',
    'data:text/html,x',
    'rollcall://peer',
    'http://a:b@host',
    'nothing',
    undefined,
  ])
    expect(pageOf(url)).toBeUndefined()
})

test('a token is asked for where nobody is known yet, and not for what no token would help with', () => {
  const asks = [0, 401, 403, 404, 503].filter((status) => new Unanswered(status, 'no').asksForToken)
  expect(asks).toEqual([401])
})

test('a token that fits into no header is asked for once more, while a daemon may well be there', async () => {
  keepToken('“pasted-with-its-quotes”')
  await expect(ask('v1/self')).rejects.toMatchObject({ asksForToken: true, message: expect.stringContaining('quotes') })
  keepToken('')
})

test('a token is used where the browser lets nothing be written', async () => {
  const refuse = (): never => {
    throw new DOMException('no room', 'QuotaExceededError')
  }
  vi.stubGlobal('sessionStorage', { getItem: () => 'an-older-token', setItem: refuse, removeItem: refuse })
  keepToken('a-token')
  expect(token()).toBe('a-token')
  keepToken('')
  expect(token()).toBe('')
  vi.unstubAllGlobals()
})

test('text of others is seen whole: what a terminal is not told stands there as something, but for the ends of lines', () => {
  expect(h('td', {}, 'http://10.0.0.3/\u202egpj.exe', ['\u009b1']).children).toEqual([
    'http://10.0.0.3/\ufffdgpj.exe',
    '\ufffd1',
  ])
  expect(h('td', { title: 'a\u202eb', href: '#a\u202eb' }).attributes).toEqual({ title: 'a\ufffdb', href: '#a\u202eb' })
  const letters = Array.from({ length: 0xd800 }, (_, code) => String.fromCharCode(code))
  const replaced = letters.filter((letter) => h('td', {}, letter).children[0] === '\ufffd')
  expect([...replaced, '\t', '\n', '\r'].toSorted()).toEqual(
    letters.filter((letter) => letter !== ' ' && harmless(letter) === ' ').toSorted(),
  )
})
