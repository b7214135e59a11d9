// Whatever befalls the nodes, the last acknowledged act on an id is what all show at rest, where whoever acted had seen the act before.
import { test } from 'vitest'
import { WitnessedLife } from './witnessed.js'

const count = Number(process.env['WITNESSED_SEEDS'] ?? 6)
const firstSeed = Number(process.env['WITNESSED_FIRST_SEED'] ?? 1)

test(`the last acknowledged act is what all show, in ${count} random lives`, { timeout: 3_600_000 }, () => {
  const failures: string[] = []
  for (let seed = firstSeed; seed < firstSeed + count && failures.length < 10; seed++) {
    const life = new WitnessedLife(seed)
    try {
      life.run()
    } catch (error) {
      failures.push(`seed ${seed}: ${String(error).split('\n')[0]}\n  ${life.story.slice(-40).join('\n  ')}`)
    }
  }
  if (failures.length > 0) throw new Error(failures.join('\n'))
})
