/**
 * The header in which a lookup says how old its truth may be, as a dictionary of RFC 8941: `heard=340, in-step=2, members=2`. Beside
 * the answer, since that is kept as bytes for as long as it says the same.
 */
import type { Freshness } from '../core/views.js'

export const freshnessHeader = 'x-rollcall-freshness'

export function formatFreshness({ heardAge_ms, inStep = 0, members = 0 }: Freshness): string {
  const counts = `in-step=${inStep}, members=${members}`
  return heardAge_ms === undefined ? counts : `heard=${heardAge_ms}, ${counts}`
}

/** Nothing of what is not there. */
export function readFreshness(text: string | null): Freshness {
  const figures = new Map(
    [...(text ?? '').matchAll(/([\w-]+)=(\d{1,15})(?=,|$)/g)].map(([, name, figure]) => [name, Number(figure)]),
  )
  const [heardAge_ms, inStep, members] = ['heard', 'in-step', 'members'].map((name) => figures.get(name))
  return {
    ...(heardAge_ms !== undefined && { heardAge_ms }),
    ...(inStep !== undefined && { inStep }),
    ...(members !== undefined && { members }),
  }
}
