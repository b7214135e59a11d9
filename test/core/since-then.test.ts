// Ages as views tell them: of what came while all was looked at, too.
import { expect, test } from 'vitest'
import { sinceThen_ms } from '../../src/core/basics/since-then.js'
import { exchangeView } from '../../src/core/peers/heartbeats.js'

test('nothing is younger than new', () => {
  expect([sinceThen_ms(10.4, 20.2), sinceThen_ms(20, 10)]).toEqual([10, 0])
})

test('what a peer brought since all began to be looked at was brought just now, whatever it is', () => {
  const peer = { id: 'b', heartbeats: 1, heartbeatAt: 20, mismatches: 1000, agreedAt: 20, lastSyncAt: 20 }
  const view = exchangeView(peer as never, 10)
  expect(view).toMatchObject({ heartbeatAge_ms: 0, lastSyncAge_ms: 0, outOfStep_ms: 0, inStep: false })
})
