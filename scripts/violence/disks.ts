// One fault of a disk after the other, each in a life of its own, and what was held, lost, and told of it afterwards.
import { type DiskFault, diskFaults, type Outcome, withFault } from '../../test/io/disk-faults.js'
import { removeTemporaryDirs } from '../../test/io/stored.js'
import type { Row } from '../bench/report.js'
import { deafen } from './deaf.js'

export interface Faults {
  readonly of: ReadonlyMap<DiskFault | 'is deaf', readonly Outcome[]>
  /** What is lost that must not be, or was written by nobody, a line each. */
  readonly broken: readonly string[]
}

const toldAtMost = 50

/** @param faults of all kinds together, in turn. @param progress told now and then how many there were */
export async function spoilDisks(faults: number, firstSeed: number, progress: (done: number) => void): Promise<Faults> {
  const of = new Map<DiskFault | 'is deaf', Outcome[]>([...diskFaults, 'is deaf' as const].map((fault) => [fault, []]))
  const kinds = [...of.keys()]
  const broken: string[] = []
  const note = (lines: readonly string[]): void => void broken.push(...lines.slice(0, toldAtMost - broken.length))
  for (let done = 0; done < faults; done++) {
    const fault = kinds[done % kinds.length] as DiskFault | 'is deaf'
    const seed = firstSeed + Math.floor(done / kinds.length)
    try {
      if (fault === 'is deaf') {
        const { acknowledged, broken: lines } = deafen(seed)
        note(lines)
        of.get(fault)?.push({ acknowledged, refused: 0, loss: lines.length === 0 ? 'none' : 'not told' })
      } else of.get(fault)?.push(await withFault(fault, seed))
    } catch (error) {
      note([`${fault}, seed ${seed}: ${String(error)}`])
    }
    await removeTemporaryDirs()
    progress(done + 1)
  }
  return { of, broken }
}

export function rowsOf({ of, broken }: Faults): Row[] {
  const rows = [...of].map(([fault, outcomes]): Row => {
    const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((all, outcome) => all + of(outcome), 0)
    const lost = (loss: Outcome['loss']): number => sum((outcome) => Number(outcome.loss === loss))
    const said = `${sum(({ acknowledged }) => acknowledged)} acknowledged, ${sum(({ refused }) => refused)} refused; `
    const value = `${said}lost nothing ${lost('none')}, lost and told ${lost('told')}, not told ${lost('not told')}`
    return { what: `a disk that ${fault}: ${outcomes.length}`, unit: '', value }
  })
  return [...rows, { what: 'lost against the promise, or wrong', unit: '', value: String(broken.length) }]
}
