// What a node says that it sees: what is wrong first, never too long for its message, and read from a peer that may say anything.
import { describe, expect, test } from 'vitest'
import { atOnce } from '../../src/core/basics/steps.js'
import { readSight, sightOf } from '../../src/core/survey/sight.js'
import { surveyOf } from '../../src/core/survey/survey.js'
import type { MemberView, PeerView } from '../../src/core/views.js'
import {
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
  isQuestion,
} from '../../src/core/wire/questions.js'
import { decodeSyncRequest } from '../../src/core/wire/sync.js'

const self = {
  version: '1.2.3',
  protocol: 2,
  listen: [],
  ready: { ready: true, reasons: [], degraded: false },
} as const
const state = { phase: 'ready' } as never

function member(peer: string, more: Partial<MemberView> = {}): MemberView {
  const common = { generation: 1, incarnation: 0, version: 1, reportedBy: [], sameLabel: false } as const
  return { peer, self: false, state: 'alive', stateAge_ms: 5, ...common, ...more }
}

function peer(name: string, more: Partial<PeerView> = {}): PeerView {
  return { peer: name, connected: true, streamsHealthy: true, heartbeats: 1, ...more }
}

function sight(members: readonly MemberView[], peers: readonly PeerView[] = [], wall = 60_000) {
  const views = { members, peers: { peers, degraded: false }, digest: { digest: 'ab' }, wall }
  return atOnce(sightOf({ self: { ...self, state }, ...views }))
}

describe('what is said', () => {
  test('tells who has dialled whom, and what came of dialling, to whoever reads it', () => {
    const links = [
      peer('came', { direction: 'inbound' }),
      peer('dialled', { direction: 'outbound' }),
      peer('far', { connected: false, streamsHealthy: false, wanted: true, lastError: 'timed out', dial: 'no-answer' }),
    ]
    const said = sight([member('me', { self: true }), ...['came', 'dialled', 'far'].map((name) => member(name))], links)
    const read = readSight(JSON.parse(JSON.stringify(said)))
    expect(read?.sees).toEqual(said.sees)
    expect(read?.sees.map(({ peer: one, direction, dial }) => [one, direction, dial])).toEqual([
      ['far', undefined, 'no-answer'],
      ['came', 'inbound', undefined],
      ['dialled', 'outbound', undefined],
    ])
  })

  test('tells of each other member how it is believed to be, and how the link with it is', () => {
    const since = (ms: number): string => new Date(ms).toISOString()
    const links = [
      peer('open', { roundTrip_ms: 0.5, connectedSince: since(0) }),
      peer('new', { streamsHealthy: false, connectedSince: since(59_000) }),
      peer('numb', { streamsHealthy: false, connectedSince: since(1000) }),
      peer('cut', { connected: false, streamsHealthy: false, wanted: true, lastError: 'timed out' }),
      peer('lost', { connected: false, streamsHealthy: false, wanted: true, lost_ms: 400, heard: true }),
      peer('deaf', { heard: false, heartbeatAge_ms: 3100, connectedSince: since(0) }),
      peer('fresh', { connected: false, streamsHealthy: false, wanted: true }),
      peer('never', { connected: false, streamsHealthy: false, wanted: true }),
      peer('spared', { connected: false, streamsHealthy: false, lastError: 'timed out' }),
      peer('gone', { connected: false, streamsHealthy: false, lastError: 'refused' }),
      peer('apart', { outOfStep_ms: 12_000 }),
    ]
    const names = ['open', 'new', 'numb', 'cut', 'lost', 'deaf', 'fresh', 'spared', 'apart', 'far']
    const others = [...names.map((name) => member(name)), member('never', { stateAge_ms: 6000 })]
    const said = sight([member('me', { self: true }), ...others, member('gone', { state: 'left' })], links)
    const brief = said.sees.map((one) => `${one.peer} ${one.link} ${one.failure ?? one.outOfStep_ms ?? ''}`.trim())
    expect(said.sees.filter(({ hears }) => hears !== undefined).map(({ peer: one }) => one)).toEqual(['deaf', 'lost'])
    expect(brief).toEqual([
      'apart open 12000',
      'cut failing timed out',
      'deaf failing connected, but no heartbeat for 3 s',
      'lost failing the connection ended 0 s ago',
      'never failing not connected yet',
      'numb failing connected, but heartbeats or gossip do not flow',
      'far none',
      'fresh none',
      'new open',
      'open open',
      'spared none',
      'gone none',
    ])
  })

  test('of whom nothing was ever heard is told last: thousands of them push out nobody who lives', () => {
    const made = Array.from({ length: 2000 }, (_, i) => {
      const { heardAge_ms: _none, ...unheard } = member(`made-${i}`)
      return { ...unheard, state: 'dead' as const }
    })
    const said = sight([...made, member('well')], [])
    expect(said.more).toBeGreaterThan(0)
    expect(said.sees[0]?.peer).toBe('well')
  })

  test('fits into one answer, of however many it tells; those with something wrong stay', () => {
    const odd = '\u{1f511}"'.repeat(60)
    const many = Array.from({ length: 2000 }, (_, i) => member(`peer-${i}`))
    const links = [peer('peer-1999', { connected: false, wanted: true, lastError: odd })]
    const said = sight(many, links)
    expect(said.sees[0]?.peer).toBe('peer-1999')
    expect(said.sees.length + (said.more ?? 0)).toBe(2000)
    const bytes = encodeAnswer(said)
    expect(bytes?.length).toBeGreaterThan(50_000)
    expect(readSight(decodeAnswer(bytes as Uint8Array))).toEqual(said)
  })
})

describe('what a peer says', () => {
  const good = { ...sight([member('b')], [peer('b')]) } as Record<string, unknown>
  const seen = (good['sees'] as object[])[0]

  test('counts as it is said, with fields of later versions left out', () => {
    expect(readSight({ ...good, later: 1, sees: [{ ...seen, later: 1 }] })).toEqual(good)
  })

  test('tells of each member once, whatever is said twice', () => {
    expect(readSight({ ...good, sees: [seen, seen, { ...seen, state: 'dead' }] })?.sees).toHaveLength(1)
  })

  test('with a word of a later version goes without what that is about', () => {
    expect(readSight({ ...good, sees: [seen, { ...seen, state: 'asleep' }, { ...seen, link: 'quantum' }] })).toEqual(
      good,
    )
  })

  test.each([
    [null],
    ['text'],
    [[]],
    [{}],
    [{ ...good, clock: -1 }],
    [{ ...good, clock: '1' }],
    [{ ...good, phase: 'x'.repeat(257) }],
    [{ ...good, ready: 1 }],
    [{ ...good, reason: {} }],
    [{ ...good, inDoubt: 'no' }],
    [{ ...good, more: 0.5 }],
    [{ ...good, sees: {} }],
    [{ ...good, sees: [null] }],
    [{ ...good, sees: [{ ...seen, peer: 'x'.repeat(129) }] }],
    [{ ...good, sees: [{ ...seen, failure: 'x'.repeat(257) }] }],
    [{ ...good, sees: [{ ...seen, since_ms: -1 }] }],
    [{ ...good, sees: [{ ...seen, hears: 'no' }] }],
    [{ ...good, sees: Array(4097).fill(seen) }],
  ])('is nothing where it has another shape: %#', (said) => {
    expect(readSight(said)).toBeUndefined()
  })
})

describe('questions that are for people', () => {
  test('are none that documents are exchanged by, nor the other way round', () => {
    const bytes = encodeQuestion({ kind: 'survey', id: 'é' })
    expect(isQuestion(bytes)).toBe(true)
    expect(decodeQuestion(bytes)).toEqual({ kind: 'survey', id: 'é' })
    expect(decodeSyncRequest(bytes)).toBeUndefined()
  })

  test('of another form, or too long, are nothing, as are their answers', () => {
    expect(decodeQuestion(encodeQuestion({ kind: 'x'.repeat(5000) }))).toBeUndefined()
    expect(decodeQuestion(encodeQuestion({ kind: 1 } as never))).toBeUndefined()
    expect(decodeQuestion(Uint8Array.of(6, 200, 1))).toBeUndefined()
    expect(encodeAnswer({ x: 'x'.repeat(65_536) })).toBeUndefined()
    expect(decodeAnswer(encodeAnswer(['a']) as Uint8Array)).toBeUndefined()
  })
})

test('a survey tells of all but those who said goodbye: what came of asking, and what was said; clocks to compare by eye', () => {
  const members = [member('p-b'), member('p-a', { self: true }), member('p-c', { state: 'left' }), member('p-d')]
  const own = sight(members)
  const told = new Map([
    ['p-b', { how: 'answered', sight: { ...own, clock: 1500 }, askedAt: 1000, way_ms: 200 } as const],
  ])
  const records = new Map(
    ['p-a', 'p-b'].map((name) => [
      name,
      { id: name.slice(2), url: `http://${name}`, addresses: [], availabilityZone: 'z' },
    ]),
  )
  const survey = atOnce(surveyOf({ members, own, told, records, wall: 0, took_ms: 3 }))
  expect(survey).toMatchObject({ at: '1970-01-01T00:00:00.000Z', by: 'a', took_ms: 3 })
  expect(survey.nodes).toMatchObject([
    { id: 'a', how: 'self', zone: 'z', software: '1.2.3' },
    { id: 'b', how: 'answered', clockOffset_ms: 400, took_ms: 200, url: 'http://p-b' },
    { id: 'p-d', how: 'unreachable' },
  ])
})
