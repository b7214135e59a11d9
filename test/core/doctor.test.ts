// What a doctor makes of what it is shown: one small cluster that is well, and one thing in it that is not.
import { describe, expect, test } from 'vitest'
import { diagnose } from '../../src/core/doctor/doctor.js'
import type { Examined } from '../../src/core/doctor/examined.js'
import { aboutAtMost, findingIds } from '../../src/core/doctor/findings.js'
import type { NodeRecord } from '../../src/core/model.js'
import type { SeenMember, SurveyedNode } from '../../src/core/survey/views.js'
import type { InstanceRow, MemberView, StateView } from '../../src/core/views.js'

const names = ['a', 'b', 'c'] as const
const hour_ms = 3_600_000

function seen(peer: string, more: Partial<SeenMember> = {}): SeenMember {
  return { peer: `p-${peer}`, state: 'alive', since_ms: hour_ms, link: 'open', ...more }
}

function node(name: string, more: Partial<SurveyedNode> = {}): SurveyedNode {
  const sees = names.filter((other) => other !== name).map((other) => seen(other))
  const how = name === 'a' ? 'self' : 'answered'
  const said = { phase: 'ready', ready: true, inDoubt: false, digest: 'd', software: '1.0.0', protocol: 2 }
  return { id: name, peer: `p-${name}`, how, took_ms: 2, clockOffset_ms: 0, ...said, sees, ...more }
}

function member(name: string, more: Partial<MemberView> = {}): MemberView {
  const versions = { software: '1.0.0', protocol: 2, generation: 1, incarnation: 0, version: 1 }
  const common = { peer: `p-${name}`, nodeId: name, url: `http://${name}:1`, reportedBy: [], sameLabel: false }
  return { ...common, ...versions, self: name === 'a', state: 'alive', stateAge_ms: hour_ms, ...more }
}

function row(id: string, more: Partial<InstanceRow> = {}): InstanceRow {
  const common = { id, url: `http://${id}.test:80`, slug: id, owner: 'p-b', nodeId: 'b', n: 1, check: 'tcp' } as const
  return { ...common, status: 'Healthy', lifetime: 'persistent', visible: true, ...more }
}

interface Change {
  readonly nodes?: Partial<Record<(typeof names)[number], Partial<SurveyedNode>>>
  readonly members?: Partial<Record<(typeof names)[number], Partial<MemberView>>>
  readonly state?: Partial<StateView>
  readonly dropped?: Record<string, number>
  readonly failures?: Examined['peers']['failures']
  readonly mdns?: Examined['peers']['mdns']
  readonly connected?: boolean
  readonly rows?: readonly InstanceRow[]
  readonly addresses?: Record<string, readonly string[]>
  readonly answersDns?: boolean
  readonly churn?: Examined['churn']
}

function examined(change: Change): Examined {
  const { nodes = {}, members = {}, state = {}, dropped = {}, failures, mdns, rows = [], addresses = {} } = change
  const { connected = true, answersDns, churn } = change
  const record = (name: string): NodeRecord => ({
    ...{ id: name, url: `http://${name}:1`, addresses: addresses[name] ?? [`/ip4/10.0.0.1/tcp/1`] },
  })
  const peer = { peer: 'p-b', connected, streamsHealthy: connected, heartbeats: 1 }
  return {
    survey: { at: 'now', by: 'a', took_ms: 1, nodes: names.map((name) => node(name, nodes[name])) },
    self: {
      ...{ nodeId: 'a', peer: 'p-a', ready: { ready: true, reasons: [], degraded: false }, dropped },
      state: { entries: 1, entryBytes: 1, waitingForDisk: 0, ...state } as StateView,
    },
    members: names.map((name) => member(name, members[name])),
    peers: { peers: [peer], ...(failures && { failures }), ...(mdns && { mdns }) },
    rows,
    records: new Map(names.map((name) => [`p-${name}`, record(name)])),
    ...(answersDns && { answersDns }),
    ...(churn && { churn }),
  }
}

const failure = { where: '10.9.9.9', direction: 'inbound', error: 'no' } as const
const sick = { status: 'Unknown', details: 'this machine could not resolve db.test in time' } as const

const causes: readonly [string, Change, RegExp][] = [
  [
    'error clone a p-x',
    {
      nodes: { a: { phase: 'muted', reason: 'another daemon runs' } },
      failures: [{ ...failure, where: 'p-x', reason: 'same-key' }],
    },
    /another daemon runs/,
  ],
  ['error clone b', { members: { b: { trouble: 'two daemons seem to run with its key: stop one' } } }, /one key \(b\)/],
  ['error in-doubt a', { nodes: { a: { inDoubt: true } } }, /^This node/],
  [
    'error in-doubt a',
    {
      nodes: { a: { inDoubt: true }, b: { how: 'unreachable' }, c: { how: 'unreachable' } },
      members: { b: { state: 'dead', dial: 'no-answer' }, c: { state: 'dead' } },
    },
    /^This node/,
  ],
  ['error in-doubt b c', { nodes: { b: { inDoubt: true }, c: { inDoubt: true } } }, /^b, c have lost/],
  ['error disk-refuses a', { state: { refusal: 'EIO' } }, /at a: EIO\./],
  ['error disk-refuses b', { nodes: { b: { ready: false, reason: 'the disk refuses writes: EIO' } } }, /at b: EIO\./],
  ['error not-ready c', { nodes: { c: { ready: false, reason: 'joining', phase: 'joining' } } }, /c \(joining\)/],
  [
    'error node-gone c',
    { nodes: { c: { how: 'unreachable' } }, members: { c: { state: 'dead', dial: 'refused', stateAge_ms: 40_000 } } },
    /^c is dead since 40 s\.$/,
  ],
  [
    'error node-gone c',
    { nodes: { c: { how: 'unreachable' } }, members: { c: { state: 'hidden', dial: 'no-answer' } } },
    /hidden/,
  ],
  [
    'error node-gone c',
    { nodes: { c: { how: 'unreachable' } }, members: { c: { state: 'dead', dial: 'silent' } } },
    /dead/,
  ],
  [
    'error seen-differently c',
    {
      nodes: { a: { sees: [seen('b'), seen('c', { state: 'dead', link: 'failing' })] } },
      members: { c: { state: 'dead' } },
    },
    /^c is alive for b, gone for a\.$/,
  ],
  [
    'warning one-way-link b→c',
    { nodes: { b: { sees: [seen('a'), seen('c', { link: 'failing', failure: 'timed out' })] } } },
    /^b does not hear c \(timed out\), while c hears b\.$/,
  ],
  [
    'warning one-way-link b→c',
    { members: { c: { reportedBy: ['p-b'] } } },
    /b does not hear c \(reports it as silent\)/,
  ],
  [
    'warning one-way-link c→b',
    {
      nodes: {
        b: { sees: [seen('a'), seen('c', { link: 'failing', hears: true })] },
        c: { sees: [seen('a'), seen('b', { link: 'failing', hears: false, failure: 'the connection ended 1 s ago' })] },
      },
    },
    /^c does not hear b \(the connection ended 1 s ago\), while b heard c to the end\.$/,
  ],
  [
    'warning link-failing b→c',
    {
      nodes: {
        b: { sees: [seen('a'), seen('c', { link: 'failing', hears: false })] },
        c: { sees: [seen('a'), seen('b', { link: 'failing', hears: false })] },
      },
    },
    /b → c/,
  ],
  [
    'warning node-silent c',
    { nodes: { b: { sees: [seen('a'), seen('c', { link: 'failing' })] }, c: { how: 'silent' } } },
    /c/,
  ],
  [
    'warning link-failing b→c',
    {
      nodes: {
        b: { sees: [seen('a'), seen('c', { link: 'failing' })] },
        c: { sees: [seen('a'), seen('b', { link: 'failing' })] },
      },
    },
    /b → c/,
  ],
  [
    'warning link-failing b→c',
    { nodes: { b: { sees: [seen('a'), seen('c', { link: 'failing' })] }, c: { how: 'old', sees: [] } } },
    /b → c/,
  ],
  [
    'error divergence b–c',
    { nodes: { b: { sees: [seen('a'), seen('c', { outOfStep_ms: 11_000 })] } } },
    /For 11 s .* b and c/,
  ],
  ['warning node-silent b', { nodes: { b: { how: 'silent', sees: [] } } }, /^b is connected/],
  ['warning wrong-key 10.9.9.9', { failures: [{ ...failure, reason: 'handshake' }] }, /10\.9\.9\.9/],
  ['error wrong-key 10.9.9.9', { failures: [{ ...failure, reason: 'handshake' }], connected: false }, /handshake/],
  [
    'warning wrong-key 10.0.0.2',
    { failures: [{ ...failure, where: '10.0.0.2', reason: 'handshake' }], addresses: { c: ['/ip4/10.0.0.2/tcp/1'] } },
    /10\.0\.0\.2 \(the machine of c\) fails/,
  ],
  ['warning other-cluster 10.9.9.9', { failures: [{ ...failure, reason: 'other-cluster' }] }, /10\.9\.9\.9/],
  ['note seed-unreachable 10.9.9.9', { failures: [{ ...failure, reason: 'no-answer' }] }, /not answer/],
  [
    'error seed-unreachable 10.9.9.9',
    { failures: [{ ...failure, reason: 'no-answer' }], connected: false },
    /not answer/,
  ],
  [
    'warning mdns-trouble eth0',
    { mdns: [{ interface: 'eth0', family: 'IPv4', trouble: 'EPERM' }], connected: false },
    /eth0 \(IPv4\): EPERM/,
  ],
  ['error no-room b', { members: { b: { trouble: 'no room here for its records' } } }, /for the records of b/],
  ['warning no-room', { dropped: { 'too many nodes that nobody hears': 3 } }, /3 times/],
  ['warning records-odd b', { members: { b: { trouble: 'it started from older records' } } }, /older records/],
  ['warning disk-slow a', { state: { waitingForDisk: 5000 } }, /5000 writes/],
  [
    'warning churn b web',
    { churn: [{ home: 'p-b', slug: 'web', perSecond: 90, lasts_ms: 20_000 }], rows: [row('web')] },
    /web at b \(90 a second for 20 s, 1 instance there now\)/,
  ],
  ['warning churn c', { churn: [{ home: 'p-c', perSecond: 90, lasts_ms: 20_000 }] }, /without a slug at c/],
  ['warning document-large a', { state: { entries: 140_000 } }, /93 %/],
  ['warning label-twice b', { members: { b: { sameLabel: true } } }, /http:\/\/b:1/],
  ['warning url-twice b c', { members: { b: { url: 'http://x' }, c: { url: 'http://x' } } }, /http:\/\/x/],
  ['warning address-unreachable b', { addresses: { b: ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1'] } }, /^b tells/],
  ['warning clock-skew c', { nodes: { c: { clockOffset_ms: -86_400_000 } } }, /c is 24 h behind/],
  [
    'warning clock-skew a',
    { nodes: { b: { clockOffset_ms: 5000 }, c: { clockOffset_ms: 5000 } } },
    /this machine \(a\)/,
  ],
  [
    'error nothing-to-pick web',
    { rows: [row('web', { visible: false, why: 'node dead', reason: 'node-dead' })] },
    /web \(1 instance: node dead\)/,
  ],
  ['warning instance-loopback web', { rows: [row('web', { url: 'http://127.0.0.1:80' })] }, /web at http/],
  ['warning name-unresolved b', { rows: [row('web', sick)] }, /^b cannot resolve/],
  [
    'note checks-failing w2',
    { rows: [row('w1', { slug: 'w' }), row('w2', { slug: 'w', status: 'Error', details: '500' })] },
    /w Error \(500\)/,
  ],
  ['note messages-dropped bad signature', { dropped: { 'bad signature': 2 } }, /2 × bad signature/],
  ['note versions-mixed a b c', { members: { c: { software: '2.0.0', protocol: 3 } } }, /c 2\.0\.0 \(protocol 3\)/],
  ['note draining b', { members: { b: { draining: true } } }, /b is drained/],
  ['note no-dns-name a_b', { answersDns: true, rows: [row('a_b'), row('web')] }, /1 slug /],
  ['note not-asked c', { nodes: { c: { how: 'not-asked', sees: [] } } }, /1 living node of 3/],
]

describe('what is found', () => {
  test('is nothing where all is well', () => {
    expect(diagnose(examined({ rows: [row('web')] }))).toEqual({
      at: 'now',
      by: 'a',
      answered: 3,
      nodes: 3,
      findings: [],
    })
  })

  test.each(causes)('%s', (found, change, what) => {
    const { findings } = diagnose(examined(change))
    expect(findings.map(({ severity, id, about }) => `${severity} ${id} ${about.join(' ')}`.trim())).toContain(found)
    const own = findings.filter(({ severity, id }) => found.startsWith(`${severity} ${id}`))
    expect(own.some((finding) => what.test(finding.what))).toBe(true)
    // What follows from it may be noted beside it, and no other thing is called wrong.
    const others = findings.filter((finding) => !own.includes(finding) && finding.severity !== 'note')
    expect(others).toEqual([])
    for (const { what: said, meaning, remedy } of findings)
      for (const text of [said, meaning, remedy]) expect(text).toMatch(/^\S.*[^.][.!?]$/)
  })

  test('each kind of it is caused here', () => {
    const caused = new Set(causes.map(([found]) => found.split(' ')[1]))
    expect(findingIds.filter((id) => !caused.has(id))).toEqual([])
  })

  test('stands with errors first, in bounds whatever there is', () => {
    const rows = Array.from({ length: 500 }, (_, i) => row(`s${i}`, { status: 'Error' }))
    const { findings } = diagnose(examined({ rows, members: { b: { draining: true, sameLabel: true } } }))
    expect(findings.map(({ severity }) => severity)).toEqual(['error', 'warning', 'note', 'note'])
    expect(findings[0]?.about).toHaveLength(aboutAtMost)
    for (const { what } of findings) expect(what.length).toBeLessThan(1000)
  })

  test('is told of a peer that says more than anybody could see', () => {
    const strangers = Array.from({ length: 150_000 }, (_, i) =>
      seen(`x${i}`, { outOfStep_ms: hour_ms, link: 'failing' }),
    )
    const { findings } = diagnose(examined({ nodes: { b: { sees: strangers } } }))
    expect(findings.map(({ id }) => id)).toEqual(['divergence', 'link-failing'])
    for (const { what } of findings) expect(what.length).toBeLessThan(1000)
  })
})
