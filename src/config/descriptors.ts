/**
 * How many connections of one kind this process may have, so that enough is left for all else.
 *
 *     a quarter each   connections kept to instances · checks under way · callers of the HTTP API · peers, files, names
 */
import { readFileSync } from 'node:fs'

const assumed = 1024
const share = 1 / 4

let quarter: number | undefined

export function quarterOfDescriptors(): number {
  quarter ??= Math.floor(limit() * share)
  return quarter
}

function limit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    if (soft === 'unlimited') return Number.MAX_SAFE_INTEGER
    return soft === undefined ? assumed : Number(soft)
  } catch {
    return assumed
  }
}
