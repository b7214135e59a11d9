/**
 * How often a daemon shows that an answer without end is still open, as it says beside that.
 */
export const beatHeader = 'x-rollcall-beat'

export function formatBeat(every_ms: number): string {
  return `${every_ms}ms`
}

/** @returns undefined where nothing is said that could be */
export function readBeat(text: string | null): number | undefined {
  const [, digits] = /^(\d{1,6})ms$/.exec(text ?? '') ?? []
  return digits === undefined || Number(digits) === 0 ? undefined : Number(digits)
}
