// Questions that daemons ask each other for people: answered by kind, within a rate, whatever comes over the wire.
import { expect, test } from 'vitest'
import { type Asked, Questions } from '../../src/daemon/questions.js'
import { inTurns } from '../../src/daemon/in-turns.js'
import { askEach } from '../../src/daemon/asking-all.js'
import { surveying } from '../../src/daemon/survey.js'
import type { MemberView, SelfView } from '../../src/core/views.js'
import { decodeAnswer, encodeAnswer, encodeQuestion } from '../../src/core/wire/questions.js'
import type { RequestOptions } from '../../src/io/network/requests.js'

type Served = (bytes: Uint8Array, options: RequestOptions) => void

function questions(served: Served = () => {}): { asked: Questions; clock: { now: number } } {
  const clock = { now: 0 }
  const network = { request: (_: string, bytes: Uint8Array, options: RequestOptions) => served(bytes, options) }
  return { asked: new Questions({ network, now: () => clock.now }), clock }
}

/** What comes of asking somebody who answers so. */
async function outcome(served: Served): Promise<Asked & { dropped: object }> {
  const { asked } = questions(served)
  return { ...(await asked.ask('p', { kind: 'survey' }, 50)), dropped: asked.dropped() }
}

test('an answer comes back with the time that it took; nothing, a version that knows no questions; a closed stream, nobody', async () => {
  const answering =
    (answer: object): Served =>
    (_, { onResponse, onClosed }) => {
      onResponse(encodeAnswer(answer) as Uint8Array)
      onClosed(true)
    }
  expect(await outcome(answering({ x: 1 }))).toEqual({ how: 'answered', answer: { x: 1 }, way_ms: 0, dropped: {} })
  expect(await outcome(answering({ refused: 'unknown' }))).toMatchObject({ how: 'old' })
  expect(await outcome(answering({ refused: 'too many questions' }))).toMatchObject({ how: 'busy' })
  expect(await outcome(answering({ refused: 'too large' }))).toMatchObject({ how: 'silent' })
  expect(await outcome((_, { onClosed }) => onClosed(true))).toMatchObject({ how: 'old' })
  expect(await outcome((_, { onClosed }) => onClosed(false))).toMatchObject({ how: 'unreachable' })
  expect(await outcome(() => {})).toMatchObject({ how: 'silent' })
  const garbled: Served = (_, { onResponse, onClosed }) => {
    onResponse(Uint8Array.of(4, 9, 9))
    onClosed(true)
  }
  expect(await outcome(garbled)).toEqual({ how: 'silent', dropped: { 'unreadable answer to a question': 1 } })
})

test('each kind has its answer; what is unknown, unreadable, too large or too often asked is refused, for each peer by itself', () => {
  const { asked, clock } = questions()
  asked.answer('small', ({ id }, from) => ({ id, from }))
  asked.answer('large', () => ({ x: 'x'.repeat(70_000) }))
  const answerTo = (bytes: Uint8Array, from = 'p'): unknown => {
    let answer: unknown
    expect(asked.hear(from, bytes, (said) => (answer = decodeAnswer(said)))).toBe(true)
    return answer
  }
  expect(answerTo(encodeQuestion({ kind: 'small', id: 7 }))).toEqual({ id: 7, from: 'p' })
  expect(answerTo(encodeQuestion({ kind: 'large' }))).toEqual({ refused: 'too large' })
  expect(answerTo(encodeQuestion({ kind: 'later' }))).toEqual({ refused: 'unknown' })
  expect(answerTo(Uint8Array.of(6, 1))).toEqual({ refused: 'unreadable question' })
  for (let i = 0; i < 20; i++) answerTo(encodeQuestion({ kind: 'small' }))
  expect(answerTo(encodeQuestion({ kind: 'small' }))).toEqual({ refused: 'too many questions' })
  expect(answerTo(encodeQuestion({ kind: 'small' }), 'q')).toEqual({ from: 'q' })
  expect(answerTo(encodeQuestion({ kind: 'large' }))).toEqual({ refused: 'too large' })
  for (let i = 0; i < 20; i++) answerTo(encodeQuestion({ kind: `made up ${i}` }))
  expect(answerTo(encodeQuestion({ kind: 'made up' }))).toEqual({ refused: 'too many questions' })
  clock.now += 1000
  expect(answerTo(encodeQuestion({ kind: 'small' }))).toEqual({ from: 'p' })
  expect(asked.dropped()).toEqual({ 'unreadable question': 1, 'too many questions': 25 })
  expect(asked.hear('p', Uint8Array.of(1, 1, 0, 0), () => expect.unreachable())).toBe(false)
})

test('an answer may take its time; where it cannot be given that is said, and counted', async () => {
  const { asked } = questions()
  asked.answer('slow', async ({ id }) => ({ id }))
  asked.answer('failing', async () => {
    throw new Error('a bug')
  })
  const answers = ['slow', 'failing'].map(
    (kind) =>
      new Promise((resolve) => asked.hear('p', encodeQuestion({ kind, id: 7 }), (said) => resolve(decodeAnswer(said)))),
  )
  expect(await Promise.all(answers)).toEqual([{ id: 7 }, { refused: 'question not answered' }])
  expect(asked.dropped()).toEqual({ 'question not answered': 1 })
})

test('whoever asks for surveys without a pause has the same one again: no peer is asked more often than it answers', async () => {
  const clock = { now: 0 }
  const member = (peer: string): MemberView =>
    ({ peer, self: peer === 'a', state: 'alive', stateAge_ms: 0, reportedBy: [] }) as never
  const self = {
    version: '1',
    protocol: 2,
    listen: [],
    ready: { ready: true, reasons: [] },
    state: { phase: 'ready' },
  } as unknown as SelfView
  let asked = 0
  const ask = surveying({
    read: { nodeRecord: () => undefined, nodeRecords: () => new Map(), wants: () => true },
    now: () => ({ now: clock.now, wall: 1e12 + clock.now }),
    overview: async () => ({
      ...{ wall: 1e12, self, members: ['a', 'b'].map(member), digest: { digest: 'd' } as never },
      peers: { degraded: false, peers: [{ peer: 'b', connected: true, streamsHealthy: true }] } as never,
    }),
    work: inTurns,
    questions: {
      answer: () => undefined,
      ask: async () => {
        asked += 1
        return { how: 'silent' }
      },
    },
  })
  for (; clock.now < 1000; clock.now += 10) await ask()
  expect(asked).toBe(4)
})

test('of everybody who is to be asked those are that are connected, and of a version that knows questions', async () => {
  const names = Array.from({ length: 300 }, (_, i) => `p${i}`)
  const members = names.map((peer): MemberView => ({ peer, self: peer === 'p0', state: 'alive' }) as never)
  const peers = names.map((peer) => ({ peer, connected: peer !== 'p3' && peer !== 'p4' }))
  const told = await askEach(
    { members, peers: { peers } as never },
    { kind: 'history' },
    {
      read: { nodeRecord: (peer) => (peer === 'p2' ? ({} as never) : undefined), wants: (peer) => peer !== 'p4' },
      questions: {
        answer: () => undefined,
        ask: async (to) => ({ how: 'answered', answer: { of: to }, way_ms: 1 }),
      },
    },
    ({ of }) => (of === 'p5' ? undefined : of),
  )
  expect(told.slice(0, 5).map(([{ peer }, { how }]) => `${peer} ${how}`)).toEqual([
    'p1 answered',
    'p2 old',
    'p3 unreachable',
    'p4 not-asked',
    'p5 silent',
  ])
  expect(told).toHaveLength(299)
})

test('of many questions to one peer at once a few are under way, some more wait their turn, and of the rest it is said that it is busy', async () => {
  const closing: (() => void)[] = []
  const { asked } = questions((_, { onResponse, onClosed }) => {
    closing.push(() => {
      onResponse(encodeAnswer({ x: 1 }) as Uint8Array)
      onClosed(true)
    })
  })
  const all = Array.from({ length: 100 }, () => asked.ask('p', { kind: 'history' }, 60_000))
  const others = [asked.ask('q', { kind: 'history' }, 60_000), asked.ask('p', { kind: 'survey' }, 60_000)]
  await Promise.resolve()
  expect(closing).toHaveLength(6)
  for (let i = 0; i < closing.length; i++) {
    closing[i]!()
    await new Promise(setImmediate)
  }
  expect((await Promise.all(others)).map(({ how }) => how)).toEqual(['answered', 'answered'])
  const hows = (await Promise.all(all)).map(({ how }) => how)
  expect([hows.indexOf('busy'), hows.filter((how) => how === 'answered').length]).toEqual([36, 36])
  const later = asked.ask('p', { kind: 'history' }, 60_000)
  await Promise.resolve()
  closing.at(-1)!()
  expect(await later).toMatchObject({ how: 'answered' })
})

test('who waits in vain for its turn finds the peer busy, and is not asked for any more', async () => {
  let sent = 0
  const { asked } = questions(() => (sent += 1))
  const first = Array.from({ length: 4 }, () => asked.ask('p', { kind: 'history' }, 40))
  expect(await asked.ask('p', { kind: 'history' }, 1)).toEqual({ how: 'busy' })
  expect((await Promise.all(first)).map(({ how }) => how)).toEqual(['silent', 'silent', 'silent', 'silent'])
  expect(sent).toBe(4)
})
