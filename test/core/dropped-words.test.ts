// What is thrown away is told to people in words: each reason that anything is counted by has some.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { droppedInWords } from '../../src/core/words/dropped-words.js'

const counting = /\b(?:drop|drops\??\.count|#dropped\.count)\('([^']+)'\)/g

test('each reason in the source has words of its own', () => {
  const reasons = new Set<string>()
  for (const name of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
    if (!/^(core|daemon|io)\/.*\.ts$/.test(name)) continue
    for (const [, reason] of readFileSync(`src/${name}`, 'utf8').matchAll(counting)) reasons.add(reason as string)
  }
  expect(reasons.size).toBeGreaterThan(30)
  expect(
    [...reasons].filter((reason) => [1, 2].some((times) => droppedInWords(reason, times) === `${times} ${reason}`)),
  ).toEqual([])
})

test('what later versions count stands for itself', () => {
  expect(droppedInWords('quantum noise', 2)).toBe('2 quantum noise')
  expect(droppedInWords('DNS: too long', 2)).toBe('2 questions by DNS (too long)')
  expect(droppedInWords('unreadable instances', 1)).toBe('1 record that this version cannot read (instances)')
})

test('one of a kind is told as one', () => {
  expect(droppedInWords('frame-malformed', 1)).toBe('1 message that breaks the rules of its form')
  expect(droppedInWords('frame-malformed', 2)).toBe('2 messages that break the rules of their form')
})
