/**
 * Says in the log what this node finds wrong by itself, when it begins as when it is over, for whoever has the log alone. Of others it
 * asks nothing but, seldom, what time it is there; it leaves to others what has lines of its own.
 */
import type { Diagnosis, Finding, FindingId } from '../core/doctor/findings.js'
import type { Diagnosing } from './diagnosing.js'
import type { End } from './life.js'
import type { Line } from './log-lines.js'

/** To look at all members and instances is work. */
const look_ms = 10_000
/** Clocks drift slowly: they are asked for after the first minute, then every ten. */
const clocksAt = 6
const clocksEach = 60

/** What else is found has lines of its own, from the moment on at which it happens; or is no more than what comes of those. */
const told: ReadonlySet<FindingId> = new Set([
  'disk-refuses',
  'disk-slow',
  'document-large',
  'name-unresolved',
  'link-failing',
  'one-way-link',
  'divergence',
  'clock-skew',
  'label-twice',
  'url-twice',
  'mdns-trouble',
])

/** Counts from the first look: what passes by itself within one is no news. */
const sureAt: Partial<Record<FindingId, number>> = { 'disk-refuses': 1, 'name-unresolved': 1, 'clock-skew': 1 }
const looksUntilSure = 2

interface Known {
  readonly finding: Finding
  readonly looks: number
  readonly isTold: boolean
}

export class OwnFindings {
  #known: ReadonlyMap<FindingId, Known> = new Map()

  /** @returns the lines of what has begun, and of what is over */
  look({ findings }: Pick<Diagnosis, 'findings'>): Line[] {
    const lines: Line[] = []
    const known = new Map<FindingId, Known>()
    for (const finding of findings) {
      if (!told.has(finding.id) || known.has(finding.id)) continue
      const before = this.#known.get(finding.id)
      const looks = (before?.looks ?? 0) + 1
      const isSure = looks >= (sureAt[finding.id] ?? looksUntilSure)
      if (isSure && (before?.isTold !== true || isOfMore(finding, before.finding))) lines.push(begun(finding))
      known.set(finding.id, { finding, looks, isTold: isSure })
    }
    for (const [id, { finding, isTold }] of this.#known)
      if (isTold && !known.has(id))
        lines.push({ level: 'info', fields: { finding: id }, message: `over: ${finding.what}` })
    this.#known = known
    return lines
  }
}

function isOfMore({ about }: Finding, before: Finding): boolean {
  return about.some((one) => !before.about.includes(one))
}

function begun({ id, what, meaning, remedy, about }: Finding): Line {
  return { level: 'warn', fields: { finding: id, about, meaning }, message: `${what} ${remedy}` }
}

/** @param clocks never rejects */
export function tellOwnFindings(
  { diagnosis, clocks }: Pick<Diagnosing, 'diagnosis' | 'clocks'>,
  write: (line: Line) => void,
): End {
  const own = new OwnFindings()
  let apart: readonly Finding[] = []
  let looks = 0
  let isOver = false
  const look = async (): Promise<void> => {
    const { findings } = await diagnosis()
    if (!isOver) own.look({ findings: [...findings, ...apart] }).forEach(write)
  }
  const timer = setInterval(() => {
    looks += 1
    if (looks % clocksEach === clocksAt) void clocks().then((found) => (apart = found))
    void look()
  }, look_ms)
  return () => {
    isOver = true
    clearInterval(timer)
  }
}
