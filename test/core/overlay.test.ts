// Which connections a daemon has a use for: those of the overlay, and with whomever too little is known of.
import { expect, test } from 'vitest'
import { Membership } from '../../src/core/membership/membership.js'
import { Overlay } from '../../src/core/membership/overlay.js'
import { cheapCrypto } from '../sim/crypto.js'
import { beat, headOf } from './beats.js'

const ids = Array.from({ length: 60 }, (_, i) => `member ${i}`)

test('a connection has a use where the overlay wants it, or the other end is not known to be alive or gone on purpose', () => {
  const { hash } = cheapCrypto('me')
  const membership = new Membership('me', hash)
  membership.setSelf(1, 0, 0)
  for (const id of ids) membership.follow(headOf(id), 0)
  for (const id of ids) membership.hear(id, beat(1), 0)
  membership.tick(0)
  const overlay = new Overlay('me', hash, membership)
  overlay.refresh(0)
  const [hidden, left, ...others] = ids.filter((id) => !overlay.wants(id))
  if (hidden === undefined || left === undefined) throw new Error('the overlay wants nearly everybody')
  expect(others.length).toBeGreaterThan(20)
  expect([hidden, left, ...others].filter((id) => overlay.needs(id))).toEqual([])

  const member = membership.member(hidden)
  const observers = member === undefined ? [] : membership.observersOf(member)
  for (const author of observers) {
    const about = [{ subject: hidden, generation: 1, incarnation: 0 }]
    membership.report(author, { type: 'report', authorGeneration: 1, sequence: 1, about }, 100)
  }
  membership.follow({ ...headOf(left, 1, 1), left: { restartGrace_s: 0 } }, 100)
  membership.tick(100)
  expect([hidden, left].map((id) => membership.member(id)?.state)).toEqual(['hidden', 'left'])
  overlay.refresh(100)
  expect([hidden, left, 'a stranger'].map((id) => overlay.needs(id))).toEqual([true, false, true])
})

test('of those that nobody ever heard a few at a time are dialled, beside those who are gone, and none stands on the rings', () => {
  const { hash } = cheapCrypto('me')
  const membership = new Membership('me', hash)
  membership.setSelf(1, 0, 0)
  const ghosts = ids.map((id) => `made-up ${id}`)
  for (const id of ['met', ...ghosts]) membership.follow(headOf(id), 0)
  membership.meet('met')
  membership.tick(0)
  expect(membership.observers()).toEqual(['met'])
  const overlay = new Overlay('me', hash, membership)
  const wanted = (now: number): string[] => {
    membership.tick(now)
    overlay.refresh(now)
    return ['met', ...ghosts].filter((id) => overlay.wants(id))
  }
  for (const now of [0, 20_000]) {
    expect(wanted(now)).toContain('met')
    expect(wanted(now).length).toBe(17)
  }
  expect(membership.member('met')?.state).toBe('dead')
  const tried = new Set(Array.from({ length: 60 }, (_, i) => wanted(30_000 * i)).flat())
  expect(tried.size).toBe(61)
})
