// Stories of D6: two halves that find each other again, at whatever moment of giving each other up.
import { expect, test } from 'vitest'
import { World } from '../world.js'

const count = 40

test.each([
  // Just hidden when it heals: only a heartbeat of a later round shows that what comes is not late, and each has sent one already.
  ['are still doubtful', 2500, 4500],
  ['are hidden', 5000, 3000],
  ['are about to be dead', 7000, 3000],
  ['are just dead', 8000, 3000],
  ['are long dead', 20_000, 3000],
])('D6: a partition that heals while its halves %s to each other is over within seconds', (_, cut_ms, limit_ms) => {
  const world = new World({ seed: 1, plane: true })
  const names = Array.from({ length: count }, (_, i) => `n${i}`)
  world.startPrepared(names)
  world.run(20_000)
  world.partition(names.slice(0, count / 2), names.slice(count / 2))
  world.run(cut_ms)
  world.heal()
  const isWhole = (): boolean => world.running().every(({ live }) => live.read.alive === count)
  world.until(isWhole, limit_ms, 'everybody alive to everybody')
  world.run(10_000)
  expect(isWhole()).toBe(true)
})
