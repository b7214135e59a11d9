/**
 * Calls whose test lets time pass before it looks at what came of them.
 */

/** A test that awaits it after `advance` has not let go of it: until then nobody is told of an unhandled rejection. */
export function awaitedLater<T>(coming: Promise<T>): Promise<T> {
  coming.catch(() => undefined)
  return coming
}
