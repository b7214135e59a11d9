// No message of a peer keeps the loop for long, at its limits: in turns of a machine that did nothing else.
import { expect, test } from 'vitest'
import { type Kept, messages } from './watchdog.js'

/** Full content is read in one turn; it is bounded by how often. */
const whole = /^(a document of \d+ 000 entries|a new epoch.*10 000|sixty of these)$/u
/** CPU of this process, on a machine many times slower than any that it is meant for. */
const most_ms = 250

for (const [kind, measured] of Object.entries(messages)) {
  if (whole.test(kind)) continue
  test(`${kind} keeps nobody waiting`, () => {
    expect(measured().longest_ms).toBeLessThan(most_ms)
  })
}

test('sixty new epochs are a few, then the rest is late', () => {
  const one: Kept = (messages['a new epoch, with a change, of 10 000 entries'] as () => Kept)()
  const sixty: Kept = (messages['sixty of these'] as () => Kept)()
  expect(sixty.all_ms).toBeLessThan(20 * one.all_ms + most_ms)
})
