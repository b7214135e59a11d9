/**
 * Whether a member that is not there was ever heard of: of one that was not nobody can say that it fell silent.
 */
/** Nothing was heard of it since this node started: it went before that, or somebody made it up. */
export function isNeverHeard({
  state,
  heardAge_ms,
}: {
  readonly state: string
  readonly heardAge_ms?: number
}): boolean {
  return state === 'dead' && heardAge_ms === undefined
}
