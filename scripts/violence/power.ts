// Cuts the power of real databases while they are written to, and counts what was there afterwards.
import { live, type PowerLife } from '../../test/io/power-lives.js'
import { removeTemporaryDirs } from '../../test/io/stored.js'
import type { Row } from '../bench/report.js'

export interface PowerCuts {
  readonly lives: readonly PowerLife[]
  /** What a cut has taken that was acknowledged, a line each. */
  readonly broken: readonly string[]
}

/** Of each directory; each life has a seed of its own. */
const cutsOfOne = 8
/** Lines of what is wrong that are kept: one fault may break all. */
const toldAtMost = 50

/** @param progress told now and then how many were cut */
export async function cutPower(cuts: number, firstSeed: number, progress: (cut: number) => void): Promise<PowerCuts> {
  const lives: PowerLife[] = []
  const broken: string[] = []
  for (let cut = 0; cut < cuts; cut += cutsOfOne) {
    try {
      lives.push(await live(firstSeed + cut / cutsOfOne, Math.min(cutsOfOne, cuts - cut)))
    } catch (error) {
      if (broken.length < toldAtMost) broken.push(String(error))
    }
    await removeTemporaryDirs()
    progress(Math.min(cuts, cut + cutsOfOne))
  }
  return { lives, broken }
}

export function rowsOf({ lives, broken }: PowerCuts): Row[] {
  const sum = (of: (life: PowerLife) => number): string => String(lives.reduce((all, life) => all + of(life), 0))
  return [
    { what: 'power cuts', unit: '', value: sum(({ cuts }) => cuts) },
    { what: 'acknowledged writes, on disk', unit: '', value: sum(({ acknowledged }) => acknowledged) },
    { what: 'copies of others, not synced', unit: '', value: sum(({ copies }) => copies) },
    {
      what: 'what a cut has left → opened, read, written to',
      unit: 'ms',
      samples: lives.flatMap((life) => life.opened_ms),
    },
    { what: 'lives that lost what was acknowledged', unit: '', value: String(broken.length) },
  ]
}
