// What is thrown away is told to people in words, each a noun that goes after a count: that each reason has some, the compiler proves.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { droppedInWords } from '../../src/core/words/dropped-words.js'

const reasons = readFileSync('src/core/words/drop-reasons.ts', 'utf8')
  .split('export type ')
  .flatMap((part) =>
    [...part.matchAll(/^ {2}\| '([^']+)'/gm)].map(([, reason]) =>
      part.startsWith('Dns') ? `DNS: ${reason}` : `${reason}`,
    ),
  )

test('of each reason one is told as one, and several as several', () => {
  expect(reasons.length).toBeGreaterThan(55)
  for (const reason of reasons) {
    const [one, many] = [1, 2].map((times) => droppedInWords(reason, times))
    expect(one).toMatch(/^1 [a-z]/i)
    expect(many).toMatch(/^2 [a-z]/i)
    expect([reason, one?.slice(2)]).not.toEqual([reason, many?.slice(2)])
    expect(one).not.toContain(`(${reason})`)
  }
})

test('what is wrong is said after what it is wrong with', () => {
  expect(droppedInWords('frame-malformed', 1)).toBe('1 message that breaks the rules of its form')
  expect(droppedInWords('update is not what its head says', 2)).toBe(
    '2 changes that are not what their node has signed',
  )
  expect(droppedInWords('DNS: too long', 2)).toBe('2 DNS questions that are too long')
  expect(droppedInWords('unreadable instances', 1)).toBe('1 instance that this version cannot read')
})

test('what other versions count goes by its reason', () => {
  expect(droppedInWords('quantum noise', 2)).toBe('2 messages (quantum noise)')
  expect(droppedInWords('constructor', 1)).toBe('1 message (constructor)')
})
