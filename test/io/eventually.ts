/** Waits for a condition to come true, generously, and says which one did not; tests never wait for a time to pass. */
const deadline_ms = 30_000
const pause_ms = 10
/** Also in tests that lead the clock. */
const now = performance.now.bind(performance)

/** Resolves with the first value of `condition` that is neither undefined nor false; a throw counts as not yet. */
export async function eventually<T>(
  what: string,
  condition: () => T | undefined | false,
  limit_ms = deadline_ms,
): Promise<T> {
  const end = now() + limit_ms
  let last: unknown
  for (;;) {
    try {
      const value = condition()
      if (value !== undefined && value !== false) return value
      last = undefined
    } catch (error) {
      last = error
    }
    if (now() > end) throw new Error(`never happened: ${what}`, { cause: last })
    await new Promise((resolve) => setTimeout(resolve, pause_ms))
  }
}
