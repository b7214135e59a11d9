/**
 * Work on many things that can be left off after each few of them: whoever drives it says how much is done at once.
 */
export type Steps<T> = Generator<undefined, T, undefined>

/** So many are one step: to leave off costs as much as one of them. */
const atOneStep = 16

/** All of it, now. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** What is made of each; undefined is left out. */
export function* ofEach<From, To>(all: Iterable<From>, make: (one: From) => To | undefined): Steps<To[]> {
  const made: To[] = []
  let done = 0
  for (const one of all) {
    const value = make(one)
    if (value !== undefined) made.push(value)
    done += 1
    if (done % atOneStep === 0) yield
  }
  return made
}
