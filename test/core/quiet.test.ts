// When a daemon that went mute may speak again: by whom it is told, for how long nothing is to be heard, how that grows.
import { expect, test } from 'vitest'
import { Quiet } from '../../src/core/own/quiet.js'
import type { Witness } from '../../src/core/wire/sync.js'

const travel_ms = 8000

function told(silence_s: number, others: Partial<Witness> = {}): Witness {
  return { stale: false, heardOfAsker: true, silence_s, ...others }
}

interface Peer {
  readonly answer: Witness | undefined
  readonly isAlive: boolean
}

/** Mute since 0 with a wait of 16 s, told this by peers at that time, and asked `later_ms` after that. */
function isQuiet(peers: readonly (Witness | undefined | Peer)[], at_ms = 20_000, later_ms = 0): boolean {
  const quiet = new Quiet()
  quiet.begin(travel_ms, 0)
  const connected = peers.map((peer, i) => {
    const { answer, isAlive } = peer !== undefined && 'answer' in peer ? peer : { answer: peer, isAlive: true }
    if (answer !== undefined) quiet.answered(`p${i}`, answer, at_ms)
    return { id: `p${i}`, isAlive }
  })
  return quiet.isQuiet(connected, at_ms + later_ms)
}

function dead(answer?: Witness): Peer {
  return { answer, isAlive: false }
}

test.each([
  ['nobody is connected', [], false],
  ['all have heard nothing for long', [told(16), told(100)], true],
  ['one has heard a word', [told(16), told(15)], false],
  ['one has not answered yet', [told(16), undefined], false],
  ['one never heard of us', [told(16), told(0, { heardOfAsker: false })], true],
  ['one was off for too long to know', [told(16), told(0, { stale: true })], true],
  ['one that is not heard has heard a word', [told(16), dead(told(15))], false],
  ['one that is not heard has heard nothing for long', [dead(told(16))], true],
  ['one that is not heard says nothing', [told(16), dead()], true],
  ['none of them can know', [told(99, { heardOfAsker: false }), told(99, { stale: true })], false],
] as const)('it is quiet, where %s: %s → %s', (_, answers, expected) => {
  expect(isQuiet(answers)).toBe(expected)
})

test('not sooner than it has been mute for so long itself, and by no answer that is old', () => {
  expect(isQuiet([told(16)], 15_000)).toBe(false)
  expect(isQuiet([told(16)], 16_000)).toBe(true)
  expect(isQuiet([told(16)], 16_000, 7000)).toBe(true)
  expect(isQuiet([told(16)], 16_000, 7001)).toBe(false)
})

test('peers are asked every three seconds', () => {
  const quiet = new Quiet()
  expect([0, 1000, 2999, 3000, 5999, 6000].filter((now) => quiet.isAskDue(now))).toEqual([0, 3000, 6000])
})

test('each time that it came back too early it waits twice as long, up to ten minutes; an hour without that, and it begins anew', () => {
  const quiet = new Quiet()
  const waits_s: number[] = []
  for (let i = 0, now = 0; i < 8; i++) {
    waits_s.push(quiet.begin(travel_ms, now) / 1000)
    quiet.end((now += 900_000))
    now += 3_599_999
  }
  expect(waits_s).toEqual([16, 32, 64, 128, 256, 512, 600, 600])
  const later = new Quiet()
  later.begin(travel_ms, 0)
  later.end(20_000)
  expect(later.begin(travel_ms, 3_620_000)).toBe(16_000)
  expect(later.end(3_700_000)).toBe(16_000)
  expect(later.isQuiet([{ id: 'p', isAlive: true }], 3_700_000)).toBe(false)
})
