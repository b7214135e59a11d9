/**
 * How it is said of an instance that what it lives with is over. That is said in its details, which every node is told: who makes the
 * sentence and who reads it do so here.
 */
export const lostSession = 'its session is lost'

const lateness = 'not renewed within '

export function notRenewed(ttl: string): string {
  return `${lateness}${ttl}`
}

/** What alone speaks against an instance, where no check does: it may well be reached. */
export function lapsedAlone(details: string | undefined): 'ttl' | 'session' | undefined {
  if (details === lostSession) return 'session'
  return details?.startsWith(lateness) === true ? 'ttl' : undefined
}
