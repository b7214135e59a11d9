/**
 * Reads the query of a url into parameters. What they mean is for the calls.
 */

/** Parameters of which several may be given. */
export const listParameters: readonly string[] = ['tag', 'exclude']

/** Of the others that come twice the last one counts; calls of our own refuse them. */
export function lastOfEach(query: string): Record<string, string | string[]> {
  const parameters = Object.create(null) as Record<string, string | string[]>
  if (query === '') return parameters
  const given = new URLSearchParams(query)
  for (const [name, value] of given) parameters[name] = value
  for (const name of listParameters) {
    const all = given.getAll(name)
    if (all.length > 1) parameters[name] = all
  }
  return parameters
}
