// What a doctor makes of what it is shown: one small cluster that is well, and one thing in it that is not.
import { describe, expect, test } from 'vitest'
import { diagnose } from '../../src/core/doctor/doctor.js'
import type { Examined } from '../../src/core/doctor/examined.js'
import { aboutAtMost, findingIds, isWrong, type Finding } from '../../src/core/doctor/findings.js'
import { lostSession, notRenewed } from '../../src/core/words/lapsed.js'
import type { NodeRecord } from '../../src/core/model/model.js'
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
  const { visible = true, status = 'Healthy' } = more
  const picked = visible && status !== 'Error' ? ({ pickable: true } as const) : {}
  return { ...common, status, lifetime: 'persistent', visible, ...picked, ...more }
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
  readonly labels?: Record<string, string>
  readonly answersDns?: boolean
  readonly churn?: Examined['churn']
  readonly documents?: Examined['documents']
}

function examined(change: Change): Examined {
  const { nodes = {}, members = {}, state = {}, dropped = {}, failures, mdns, rows = [], addresses = {} } = change
  const { connected = true, answersDns, churn, documents, labels = {} } = change
  const record = (name: string): NodeRecord => ({
    ...{ id: labels[name] ?? name, url: `http://${name}:1`, addresses: addresses[name] ?? [`/ip4/10.0.0.1/tcp/1`] },
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
    ...(documents && { documents }),
  }
}

const failure = { where: '10.9.9.9', direction: 'inbound', error: 'no' } as const
const sick = { status: 'Unknown', details: 'this machine could not resolve db.test in time' } as const

const bridge = '/ip4/172.17.0.1/tcp/1'
/** Two machines, with what engines of containers give each of them. */
const apart = { b: ['/ip4/10.0.0.2/tcp/1', bridge], c: ['/ip4/10.0.0.2/tcp/2', bridge] }

const causes: readonly [string, Change, RegExp][] = [
  [
    'error clone a',
    {
      nodes: { a: { phase: 'muted', ready: false, address: '/ip4/10.0.0.1/tcp/1', otherAt: '/ip4/10.0.0.9/tcp/2' } },
      failures: [{ ...failure, where: '10.0.0.9:2', reason: 'same-key' }],
    },
    /^Two daemons run with one key, that of a: .*10\.0\.0\.9:2.* The one at 10\.0\.0\.1:1 has gone mute: it takes no writes\.$/,
  ],
  [
    'error clone b d',
    {
      nodes: { b: { id: 'd', phase: 'muted', ready: false, address: '/ip4/10.0.0.9/tcp/2' } },
      failures: [
        { ...failure, where: 'p-b', reason: 'same-key', places: ['/ip4/10.0.0.2/tcp/1', '/ip4/10.0.0.9/tcp/2'] },
      ],
      members: {
        b: {
          labels: [
            { id: 'b', address: '/ip4/10.0.0.2/tcp/1' },
            { id: 'd', address: '/ip4/10.0.0.9/tcp/2' },
          ],
        },
      },
    },
    /^Two daemons run with one key, that of b: b at 10\.0\.0\.2:1, d at 10\.0\.0\.9:2\. d has gone mute: it takes no writes\.$/,
  ],
  ['error clone b', { members: { b: { troubleKind: 'two-daemons' } } }, /one key, that of b\.$/],
  [
    'error clone b',
    {
      members: { b: { troubleKind: 'two-daemons', troubleAge_ms: 200_000 } },
      failures: [{ ...failure, where: 'p-b', reason: 'same-key', seenAge_ms: 20_000 }],
    },
    /^Two daemons run with one key/,
  ],
  [
    'warning clone b',
    {
      members: { b: { troubleKind: 'two-daemons', troubleAge_ms: 200_000 } },
      failures: [{ ...failure, where: 'p-b', reason: 'same-key', seenAge_ms: 240_000 }],
    },
    /^Two daemons ran with one key, that of b\. The last sign of both was 3 min ago: since then one of them is silent\.$/,
  ],
  [
    'error clone c',
    {
      nodes: {
        b: { sees: [seen('a'), seen('c', { link: 'failing', outOfStep_ms: 20_000 })] },
        c: { how: 'silent', sees: [seen('b', { link: 'failing' })] },
      },
      members: { c: { troubleKind: 'two-daemons', sameLabel: true }, b: { sameLabel: true } },
    },
    /one key/,
  ],
  [
    'error clone c',
    {
      nodes: { b: { sees: [seen('a'), seen('c', { link: 'failing' })] } },
      members: { c: { troubleKind: 'two-daemons' } },
    },
    /one key/,
  ],
  [
    'error in-doubt a',
    { nodes: { a: { inDoubt: true }, b: { how: 'unreachable' } }, members: { b: { state: 'hidden' } } },
    /^This node \(a\) has lost sight of 1 of the 2 others at once\.$/,
  ],
  [
    'error in-doubt a',
    {
      nodes: { a: { inDoubt: true }, b: { how: 'unreachable' }, c: { how: 'unreachable' } },
      members: { b: { state: 'dead', dial: 'no-answer' }, c: { state: 'dead' } },
      failures: [{ ...failure, reason: 'no-answer' }],
      connected: false,
    },
    /^Everybody else is silent to this node \(a\) at once, 2 nodes: that points to this machine, not to them\.$/,
  ],
  ['error in-doubt b c', { nodes: { b: { inDoubt: true }, c: { inDoubt: true } } }, /^b, c have lost/],
  ['error disk-refuses a', { state: { refusal: 'EIO' } }, /at a: EIO\./],
  [
    'error disk-refuses b',
    { nodes: { b: { ready: false, reason: 'full', causes: ['disk'], refusal: 'EIO' } } },
    /at b: EIO\./,
  ],
  ['error not-ready c', { nodes: { c: { ready: false, reason: 'joining', phase: 'joining' } } }, /c \(joining\)/],
  [
    'error node-gone c',
    {
      nodes: { c: { how: 'unreachable' } },
      members: { c: { state: 'dead', dial: 'refused', stateAge_ms: 40_000, outOfSight_ms: 43_000 } },
    },
    /^c is dead, out of sight for 43 s\.$/,
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
    'warning node-gone c',
    { members: { c: { state: 'dead', stateAge_ms: 40_000, outOfSight_ms: 43_000, returnsIn_ms: 8000 } } },
    /^c is dead, out of sight for 43 s\.$/,
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
    'warning link-failing b–c',
    {
      nodes: {
        b: { sees: [seen('a'), seen('c', { link: 'failing', hears: false })] },
        c: { sees: [seen('a'), seen('b', { link: 'failing', hears: false })] },
      },
    },
    /: b and c do not hear each other/,
  ],
  [
    'warning node-silent c',
    { nodes: { b: { sees: [seen('a'), seen('c', { link: 'failing' })] }, c: { how: 'silent' } } },
    /c/,
  ],
  [
    'warning link-failing b–c',
    {
      nodes: {
        b: { sees: [seen('a'), seen('c', { link: 'failing' })] },
        c: { sees: [seen('a'), seen('b', { link: 'failing' })] },
      },
    },
    /: b and c do not hear each other/,
  ],
  [
    'warning link-failing b→c',
    { nodes: { b: { sees: [seen('a'), seen('c', { link: 'failing' })] }, c: { how: 'old', sees: [] } } },
    /: b does not hear c/,
  ],
  [
    'error divergence b–c',
    { nodes: { b: { sees: [seen('a'), seen('c', { outOfStep_ms: 11_000 })] } } },
    /For 11 s .* b and c/,
  ],
  ['warning node-silent b', { nodes: { b: { how: 'silent', sees: [] } } }, /^b is connected/],
  ['warning wrong-key 10.9.9.9', { failures: [{ ...failure, reason: 'handshake' }] }, /10\.9\.9\.9/],
  [
    'warning wrong-key 10.9.9.9',
    { failures: [{ ...failure, reason: 'handshake', seenAge_ms: 300_000 }] },
    /^The handshake with 10\.9\.9\.9 failed, the last time 5 min ago: most likely/,
  ],
  ['error wrong-key 10.9.9.9', { failures: [{ ...failure, reason: 'handshake' }], connected: false }, /handshake/],
  [
    'warning wrong-key 10.0.0.2',
    { failures: [{ ...failure, where: '10.0.0.2', reason: 'handshake' }], addresses: { c: ['/ip4/10.0.0.2/tcp/1'] } },
    /10\.0\.0\.2 \(the machine of c\) fails/,
  ],
  [
    'error wrong-key c 10.0.0.2',
    {
      nodes: { c: { how: 'unreachable' } },
      // Silent for so short a time that nothing else is said of it yet.
      members: { c: { state: 'unknown' } },
      failures: [{ ...failure, where: '10.0.0.2', reason: 'handshake' }],
      addresses: { c: ['/ip4/10.0.0.2/tcp/1'] },
    },
    /10\.0\.0\.2 \(the machine of c\) fails: most likely the cluster keys differ\.$/,
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
  [
    'error no-room b',
    { members: { b: { troubleKind: 'no-room', trouble: 'x' } } },
    /^There is no room here for the records of b: x\.$/,
  ],
  [
    'error no-room b',
    { members: { b: { troubleKind: 'refuses-us' } } },
    /^There is no room at b for the records of this node/,
  ],
  ['warning no-room', { dropped: { 'too many nodes that nobody hears': 3 } }, /3 times/],
  [
    'warning records-odd b',
    { members: { b: { troubleKind: 'older-records', trouble: 'it started from older records' } } },
    /older records/,
  ],
  ['warning disk-slow a', { state: { waitingForDisk: 5000 } }, /5000 writes/],
  [
    'warning churn b web',
    { churn: [{ home: 'p-b', slug: 'web', perSecond: 90, lasts_ms: 20_000 }], rows: [row('web')] },
    /web at b \(90 a second for 20 s, 1 instance there now\)/,
  ],
  ['warning churn c', { churn: [{ home: 'p-c', perSecond: 90, lasts_ms: 20_000 }] }, /without a slug at c/],
  ['warning document-large a', { state: { entries: 140_000 } }, /93 %/],
  [
    'warning document-bloat c a',
    {
      documents: [
        { owner: 'p-a', bytes: 20 * 2 ** 20, live_bytes: 2 ** 20 },
        { owner: 'p-b', bytes: 40 * 2 ** 20, live_bytes: 10 * 2 ** 20 },
        { owner: 'p-c', bytes: 64 * 2 ** 20, live_bytes: 2 ** 20 },
      ],
    },
    /\(a\) records take far more than they say: those of c take 64 MiB, 64 times what they say, those of a take 20 MiB, 20 times/,
  ],
  [
    'warning label-twice b',
    { members: { b: { sameLabel: true }, c: { sameLabel: true, url: 'http://d:1' } }, labels: { c: 'b' } },
    /http:\/\/b:1 .*http:\/\/d:1/,
  ],
  ['warning url-twice b c', { members: { b: { url: 'http://x' }, c: { url: 'http://x' } } }, /http:\/\/x/],
  ['warning address-unreachable b', { addresses: { b: ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1'] } }, /^b tells/],
  [
    'warning clock-skew b c',
    { nodes: { b: { clockOffset_ms: 3_600_000 }, c: { clockOffset_ms: -3_600_000 } } },
    /b is 60 min ahead.*c is 60 min behind/,
  ],
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
  [
    'warning instance-loopback web',
    { rows: [row('web', { url: 'http://127.0.0.1:80' })], addresses: apart },
    /web at http/,
  ],
  ['note instance-loopback web', { rows: [row('web', { url: 'http://127.0.0.1:80' })] }, /web at http/],
  [
    'warning url-unreachable web',
    {
      rows: [
        row('web', { fromHere: { reached: false, how: 'suspected' } }),
        row('here', { owner: 'p-a', fromHere: { reached: false, how: 'suspected' } }),
        row('well', { fromHere: { reached: true, how: 'heartbeats' } }),
      ],
    },
    /^From this node \(a\) 1 instance cannot be reached, .*: web at http:\/\/web\.test:80 \(healthy at its home, b\)\.$/,
  ],
  ['warning name-unresolved b', { rows: [row('web', sick)] }, /^b cannot resolve/],
  [
    'note checks-failing w2',
    { rows: [row('w1', { slug: 'w' }), row('w2', { slug: 'w', status: 'Error', details: '500' })] },
    /w Error \(500\)/,
  ],
  [
    'note checks-failing w2',
    {
      rows: [row('w1', { slug: 'w' }), row('w2', { slug: 'w', status: 'Unreachable', details: notRenewed('10s') })],
    },
    /^1 instance of 2 is not kept up by its program: w Unreachable \(not renewed within 10s\)\.$/,
  ],
  [
    'note checks-failing w2 w3',
    {
      rows: [
        row('w1', { slug: 'w' }),
        row('w2', { slug: 'w', status: 'Unreachable', details: lostSession }),
        row('w3', { slug: 'w', status: 'Error', details: '500' }),
      ],
    },
    /^2 instances of 3 fail their checks, or are not kept up by their programs \(1\): /,
  ],
  [
    'note messages-dropped bad signature',
    { dropped: { 'bad signature': 2 } },
    /: 2 records that are not signed by their node\.$/,
  ],
  ['note versions-mixed a b c', { members: { c: { software: '2.0.0', protocol: 3 } } }, /c 2\.0\.0 \(protocol 3\)/],
  ['note draining b', { members: { b: { draining: true } } }, /b is drained/],
  ['note no-dns-name a_b', { answersDns: true, rows: [row('a_b'), row('web')] }, /1 slug /],
  [
    'note not-asked c',
    { nodes: { c: { how: 'not-asked', sees: [] } } },
    /^2 of 3 nodes were asked, this one \(a\) among them; 1 that lives was not:/,
  ],
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

  test('whose handshakes all fail is told of its key first, and nothing is said of those whom it cannot hear', () => {
    const change: Change = {
      nodes: {
        a: { inDoubt: true, ready: false, reason: 'kept out', causes: ['kept-out'] },
        b: { how: 'unreachable' },
        c: { how: 'unreachable' },
      },
      members: { b: { state: 'dead', dial: 'silent' }, c: { state: 'dead', dial: 'no-answer' } },
      failures: [{ ...failure, where: '10.0.0.2:1', direction: 'outbound', reason: 'handshake' }],
      connected: false,
    }
    const { findings } = diagnose(examined(change))
    expect(findings.map(({ id }) => id)).toEqual(['wrong-key', 'in-doubt'])
    expect(findings[0]?.meaning).toMatch(
      /^This node is kept out of its cluster: what is written here stays on this node/,
    )
    expect(findings[0]).toMatchObject({ about: ['a', '10.0.0.2:1'] })
    expect(findings[1]?.remedy).toBe('See to its cluster key first.')
  })

  test('of a node that has said goodbye nobody says that it is kept out, whoever runs at its machine by now', () => {
    const found = (state: 'left' | 'dead'): Finding | undefined => {
      const failures = [{ ...failure, where: '10.0.0.2', reason: 'handshake' }] as const
      const change = { nodes: { c: { how: 'unreachable' } }, members: { c: { state } }, failures } as const
      const { findings } = diagnose(examined({ ...change, addresses: { c: ['/ip4/10.0.0.2/tcp/1'] } }))
      return findings.find(({ id }) => id === 'wrong-key')
    }
    expect(found('dead')).toMatchObject({
      severity: 'error',
      meaning: expect.stringMatching(/^c is kept out/) as string,
    })
    expect(found('left')).toMatchObject({
      ...{ severity: 'warning', about: ['c', '10.0.0.2'] },
      meaning: expect.stringMatching(/^c was there, and has said goodbye: .* else somebody else is there\.$/) as string,
    })
  })

  test('where another node lives at the place of one that is gone, that one has lost its directory, and is not frozen', () => {
    const gone = { state: 'dead', url: 'http://c:1', dial: 'silent' } as const
    const [finding] = diagnose(examined({ members: { b: gone } })).findings
    expect(finding).toMatchObject({ id: 'node-gone', about: ['b'], meaning: expect.stringContaining('started anew') })
    expect(finding?.remedy).toContain('--data-dir')
    const elsewhere = { addresses: { b: ['/ip4/10.0.0.2/tcp/1'] } }
    for (const other of [{ members: { b: { ...gone, url: 'http://b:1' } } }, { members: { b: gone }, ...elsewhere }])
      expect(diagnose(examined(other)).findings[0]?.meaning).toContain('frozen')
  })

  test('who misses all others, whose machines refuse it, is told that those are gone, and not that it is cut off itself', () => {
    const gone = { state: 'dead', dial: 'refused' } as const
    const [doubt, ...others] = diagnose(
      examined({
        nodes: { a: { inDoubt: true }, b: { how: 'unreachable' }, c: { how: 'unreachable' } },
        members: { b: gone, c: gone },
        connected: false,
      }),
    ).findings
    expect(doubt?.what).toBe('This node (a) has lost sight of 2 of the 2 others at once.')
    expect(doubt?.meaning).toMatch(/^Machines of others answer/)
    expect(doubt?.remedy).toMatch(/^Start those again/)
    expect(others.map(({ id, about }) => [id, about])).toEqual([['node-gone', ['b', 'c']]])
  })

  test('of whom no word ever came nobody says that it fell silent', () => {
    const meaningOf = (heardAge_ms: number | undefined): string | undefined =>
      diagnose(examined({ members: { c: { state: 'dead', ...(heardAge_ms !== undefined && { heardAge_ms }) } } }))
        .findings[0]?.meaning
    expect(meaningOf(undefined)).toMatch(/^This node has heard no word of it/)
    expect(meaningOf(20_000)).toMatch(/^It fell silent/)
  })

  test('who is heard again after several crashes is not to be started once more', () => {
    const [gone] = diagnose(examined({ members: { c: { state: 'hidden', returnsIn_ms: 8000 } } })).findings
    expect(gone?.meaning).toMatch(/^It is heard again/)
    expect(gone?.remedy).toMatch(/^Wait; do not start it once more/)
  })

  test('each instance that is called on its own machine alone has its command', () => {
    const rows = ['web', 'api'].map((id) => row(id, { url: 'http://127.0.0.1:80' }))
    const { findings } = diagnose(examined({ rows, addresses: apart }))
    const { remedy } = findings.find(({ id }) => id === 'instance-loopback')!
    expect(remedy).toMatch(/^Register each .*--id web --url \S+; rollcall register --id api --url \S+\.$/)
  })

  test.each([
    [
      'at the same addresses, whatever the ports are',
      { a: ['/ip4/10.0.0.1/tcp/1', bridge], b: [bridge, '/ip4/10.0.0.1/tcp/2'] },
      'note',
    ],
    ['on loopback alone', { a: ['/ip4/127.0.0.1/tcp/1'], b: ['/ip4/127.0.0.1/tcp/2'] }, 'note'],
    [
      'with one address in common',
      { a: ['/ip4/10.0.0.1/tcp/1', bridge], b: ['/ip4/10.0.0.2/tcp/1', bridge] },
      'warning',
    ],
    ['where nobody has said any', { a: [], b: [] }, 'warning'],
  ] as const)(
    'nodes %s: what is called on its own machine alone is judged by whether that is the only one',
    (_, addresses, severity) => {
      const rows = [row('web', { url: 'http://localhost:80' })]
      const { findings } = diagnose(examined({ rows, addresses, members: { c: { state: 'left' } } }))
      expect(findings.find(({ id }) => id === 'instance-loopback')).toMatchObject({ severity })
    },
  )

  test.each([
    [{ c: ['kept-out'] }, /^It has met nobody yet: it takes writes, which stay on it alone/],
    [{ c: ['seeking'], b: ['kept-out'] }, /^It has met nobody yet: it takes writes/],
    [{ c: ['seeking'], b: ['joining'] }, /^Some take no writes yet; others have met nobody/],
    [{ c: ['joining', 'seeking'] }, /^It takes no writes yet/],
  ] as const)('who is not ready is said to take writes where it does: %j', (causes, words) => {
    const nodes = Object.fromEntries(
      Object.entries(causes).map(([name, of]) => [name, { ready: false, reason: 'so', causes: [...of] }]),
    )
    const { findings } = diagnose(examined({ nodes }))
    expect(findings.find(({ id }) => id === 'not-ready')?.meaning).toMatch(words)
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

  test('are addresses that nobody reaches, as seen from where; not those of one that somebody has dialled', () => {
    const inVain = { link: 'failing', dial: 'no-answer', failure: 'no answer in 5 s' } as const
    const found = (open: Partial<SeenMember>, ...failing: ('b' | 'd')[]): string[] => {
      const { survey, ...rest } = examined({
        nodes: { a: { sees: [seen('b'), seen('c', open)] } },
        addresses: { c: ['/ip4/10.0.0.9/tcp/1'] },
      })
      const sees = [seen('a'), seen('c', inVain)]
      const those = failing.map((name) => node(name, { how: 'answered', sees }))
      const nodes = [...survey.nodes.filter(({ id }) => id !== 'b'), ...those]
      const { findings } = diagnose({ ...rest, survey: { ...survey, nodes } })
      return findings.filter(({ id }) => id === 'address-unreachable').map(({ what }) => what)
    }
    expect(found({ direction: 'inbound' }, 'b', 'd')).toEqual([
      'Dialled in vain, though it lives: c at 10.0.0.9:1, as seen from b, d.',
    ])
    expect(found({}, 'b', 'd')).toEqual([])
    expect(found({ direction: 'inbound' }, 'b')).toEqual([])
  })

  const local = ['/ip4/127.0.0.1/tcp/1']
  test.each<readonly [string, Change]>([
    [
      'that one was hidden a moment ago, which others are about to hear',
      {
        nodes: { a: { sees: [seen('b'), seen('c', { state: 'hidden', since_ms: 9000 })] }, c: { how: 'unreachable' } },
        members: { c: { state: 'left' } },
      },
    ],
    ['that one holds something else, for a moment', { nodes: { b: { sees: [seen('c', { outOfStep_ms: 9000 })] } } }],
    ['a clock that an answer of five seconds tells', { nodes: { b: { clockOffset_ms: 4000, took_ms: 5000 } } }],
    ['loopback where all are on one machine', { addresses: { a: local, b: local, c: local } }],
    [
      'an instance on loopback where nobody else lives',
      { members: { b: { state: 'left' }, c: { state: 'left' } }, rows: [row('web', { url: 'http://127.0.0.1:80' })] },
    ],
    ['a service of which all is removed', { rows: [row('web', { visible: false, reason: 'removed' })] }],
    [
      'a label of which the other owner has said goodbye',
      { members: { b: { sameLabel: true }, c: { sameLabel: true, state: 'left' } }, labels: { c: 'b' } },
    ],
  ])('is not %s', (_, change) => {
    expect(diagnose(examined(change)).findings).toEqual([])
  })

  test.each(['dead', 'hidden', 'unknown', 'left', undefined] as const)(
    'a node of which nobody hears is gone, and not seen differently, where another one remembers it as %s',
    (state) => {
      const others = state === undefined ? [] : [seen('c', { state, link: 'none' })]
      const change: Change = {
        nodes: {
          a: { sees: [seen('b'), seen('c', { state: 'dead', link: 'none' })] },
          b: { sees: [seen('a'), ...others] },
          c: { how: 'unreachable' },
        },
        members: { c: { state: 'dead', stateAge_ms: hour_ms } },
      }
      expect(diagnose(examined(change)).findings.map(({ id }) => id)).toEqual(['node-gone'])
    },
  )

  test('a stranger who knocks with another key once does not keep a lonely node out', () => {
    const failures = [{ ...failure, reason: 'handshake' }] as const
    expect(diagnose(examined({ failures, connected: false })).findings[0]?.meaning).toMatch(/^Whoever is there/)
  })

  test('each kind of it is caused here', () => {
    const caused = new Set(causes.map(([found]) => found.split(' ')[1]))
    expect(findingIds.filter((id) => !caused.has(id))).toEqual([])
  })

  test('says of how many nobody was asked, and where to ask for them; nothing is wrong for that', () => {
    const unasked = { how: 'not-asked', sees: [] } as const
    const nodes = { b: { ...unasked, url: 'http://b:1' }, c: { ...unasked, url: 'http://c:1' } }
    const { answered, notAsked, findings } = diagnose(examined({ nodes }))
    expect({ answered, notAsked, ids: findings.map(({ id }) => id) }).toEqual({
      ...{ answered: 1, notAsked: 2, ids: ['not-asked'] },
    })
    expect(findings.some(isWrong)).toBe(false)
    expect(findings[0]?.what).toMatch(/^1 of 3 nodes were asked, .*; 2 that live were not/)
    expect(findings[0]?.remedy).toMatch(
      /^Ask b, too: rollcall doctor --server http:\/\/b:1; then, .* c \(http:\/\/c:1\)\.$/,
    )
  })

  test('names no url for another machine that means whoever reads it, nor one by which nobody is asked', () => {
    const unasked = { how: 'not-asked', sees: [] } as const
    const remedyOf = (b: string, c: string): string | undefined =>
      diagnose(examined({ nodes: { b: { ...unasked, url: b }, c: { ...unasked, url: c } } })).findings[0]?.remedy
    expect(remedyOf('http://127.0.0.1:1', 'http://c:1')).toBe('Ask c, too: rollcall doctor --server http://c:1.')
    expect(remedyOf('http://localhost:1', 'rollcall://12D3KooW')).toBe(
      'Ask one of them, too, on its machine: rollcall doctor.',
    )
  })

  test('stands with errors first, in bounds whatever there is', () => {
    const rows = Array.from({ length: 500 }, (_, i) => row(`s${i}`, { status: 'Error' }))
    const { findings } = diagnose(examined({ rows, members: { b: { draining: true, url: 'u' }, c: { url: 'u' } } }))
    expect(findings.map(({ severity }) => severity)).toEqual(['error', 'warning', 'note', 'note'])
    expect(findings[0]?.about).toHaveLength(aboutAtMost)
    for (const { what } of findings) expect(what.length).toBeLessThan(1000)
  })

  test('looks at what each node says a few times, however many have gone, knock, or are two', () => {
    let reads = 0
    const look = examined({})
    const many = Array.from({ length: 500 }, (_, i) => `x${i}`)
    const members = many.map((name, i) =>
      member(
        name,
        i % 2 === 0
          ? { state: 'dead' }
          : { troubleKind: 'two-daemons', labels: [{ id: name, address: `/ip4/10.3.0.${i % 250}/tcp/1` }] },
      ),
    )
    const addresses = (i: number): readonly string[] => {
      reads += 1
      return [`/ip4/10.2.0.${i % 250}/tcp/1`]
    }
    const records = many.map((id, i): [string, NodeRecord] => {
      const record: NodeRecord = { id, url: `http://${id}:1`, addresses: [] }
      return [`p-${id}`, Object.defineProperty(record, 'addresses', { get: () => addresses(i) })]
    })
    const failures = many.map((_, i) => ({ ...failure, where: `10.2.0.${i % 250}:${i}`, reason: 'handshake' as const }))
    const { findings } = diagnose({
      ...{ ...look, members: [...look.members, ...members], records: new Map([...look.records, ...records]) },
      peers: { ...look.peers, failures },
    })
    expect(findings.map(({ id }) => id)).toEqual(expect.arrayContaining(['node-gone', 'wrong-key', 'clone']))
    expect(reads).toBeLessThan(10 * many.length)
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

test.each([
  ['a', /^Stop d at 10\.0\.0\.9:2, most likely the copy/],
  ['d', /^Stop this very daemon \(d at 10\.0\.0\.9:2\), most likely the copy/],
])('of two daemons with one key %s names the one to stop: who came later, under another name', (by, expected) => {
  const labels = [
    { id: 'b', address: '/ip4/10.0.0.2/tcp/1' },
    { id: 'd', address: '/ip4/10.0.0.9/tcp/2' },
  ]
  const look = examined({ members: { b: { troubleKind: 'two-daemons', labels } } })
  const [clone] = diagnose({ ...look, survey: { ...look.survey, by } }).findings
  expect(clone?.remedy).toMatch(expected)
})
