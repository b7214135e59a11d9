// Random lives of programs and their daemons: nothing outlives its session by more than its grace, nothing that stands is missing.
import { test } from 'vitest'
import { Life } from './programs.js'

const seeds = Number(process.env['SESSION_SEEDS'] ?? 6)
const firstSeed = Number(process.env['SESSION_FIRST_SEED'] ?? 1)

test.each(Array.from({ length: seeds }, (_, i) => firstSeed + i))('seed %i', (seed) => {
  const life = new Life(seed)
  try {
    life.run()
  } catch (error) {
    throw new Error(`${String(error)}\n${life.story.slice(-40).join('\n')}`, { cause: error })
  }
})
