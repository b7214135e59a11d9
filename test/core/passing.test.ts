// Questions whether somebody lives over connections: bounded, passed on once, and believed by their signature alone.
import { expect, test } from 'vitest'
import type { Effect } from '../../src/core/effects.js'
import { Passing } from '../../src/core/membership/passing.js'
import { type BeatFrame, type PassedAnswer, type PassedQuestion, decodeBeat } from '../../src/core/wire/beat.js'
import { cheapCrypto } from '../sim/crypto.js'

const nonce = 'ab'.repeat(16)
const other = 'cd'.repeat(16)

function of(name: string): Passing {
  return new Passing(name, cheapCrypto(name))
}

function frames(effects: readonly Effect[]): { to: string; frame: BeatFrame | undefined }[] {
  return effects.map((effect) => {
    if (effect.type !== 'beat') throw new Error('no frame')
    return { to: effect.to, frame: decodeBeat(effect.bytes) }
  })
}

function question(hops = 2, ofNonce = nonce): PassedQuestion {
  return { type: 'question', subject: 'b', generation: 1, nonce: ofNonce, hops }
}

/** What b says to whoever asked it so. */
function answerOf(name = 'b', ofNonce = nonce): PassedAnswer {
  const b = of(name)
  b.question('x', { ...question(0, ofNonce), subject: name }, undefined, 0)
  return frames(b.due(1, 7))[0]?.frame as PassedAnswer
}

test('a question goes to those who may reach its subject, four at the most, and again two seconds later', () => {
  const a = of('a')
  const asked = (now: number): string[] => frames(a.ask(question(), ['c', 'd', 'e', 'f', 'g'], now)).map(({ to }) => to)
  expect(asked(0)).toEqual(['c', 'd', 'e', 'f'])
  expect(asked(1999)).toEqual([])
  expect(asked(2000)).toEqual(['c', 'd', 'e', 'f'])
})

test('a question is passed on once, and goes round nowhere', () => {
  const c = of('c')
  expect(frames(c.question('a', question(), 'd', 0))).toEqual([{ to: 'd', frame: question(1) }])
  expect(c.question('a', question(2, other), 'd', 500)).toEqual([]) // too often
  expect(c.question('e', question(), 'b', 0)).toEqual([]) // seen
  expect(c.question('f', question(2, other), undefined, 0)).toEqual([]) // nobody knows the way
  const a = of('a')
  a.ask(question(), ['c'], 0)
  expect(a.question('c', question(1), 'd', 1)).toEqual([]) // its own
})

test('an answer goes the way of its question, once, from whom it is expected and by whom it is about', () => {
  const c = of('c')
  c.question('a', question(), 'b', 0)
  expect(c.answer('e', answerOf()).effects).toEqual([])
  expect(c.answer('b', answerOf('e')).effects).toEqual([])
  expect(frames(c.answer('b', answerOf()).effects)).toEqual([{ to: 'a', frame: answerOf() }])
  expect(c.answer('b', answerOf()).effects).toEqual([])
})

test('whoever asked believes what the subject has signed, from those whom it asked, once', () => {
  const a = of('a')
  a.ask(question(), ['c', 'd', 'e'], 0)
  expect(a.answer('f', answerOf()).isOurs).toBe(false)
  expect(a.answer('c', { ...answerOf(), sequence: 8 }).isOurs).toBe(false)
  expect(a.answer('d', { ...answerOf('e'), author: 'b' }).isOurs).toBe(false)
  expect(a.answer('e', answerOf()).isOurs).toBe(true)
  expect(a.answer('e', answerOf()).isOurs).toBe(false)
})

test('all who ask in one turn get one answer each, signed once for all', () => {
  const b = of('b')
  b.question('a', question(0), undefined, 0)
  b.question('c', question(0, other), undefined, 0)
  const answers = frames(b.due(1, 7))
  expect(answers.map(({ to }) => to)).toEqual(['a', 'c'])
  expect(answers.map(({ frame }) => frame?.type === 'answer' && frame.nonces)).toEqual([
    [nonce, other],
    [nonce, other],
  ])
  expect(b.due(1, 7)).toEqual([])
})
