// Members of whom nobody ever heard a word: made up by the thousand they fill neither the log nor what is remembered.
import { expect, test } from 'vitest'
import type { RegistryEvent } from '../../src/core/effects.js'
import { lineOf, type Register } from '../../src/daemon/log-lines.js'
import { Recorder } from '../../src/daemon/recording.js'
import { UnheardLines } from '../../src/daemon/unheard-lines.js'

const register: Register = { nodeRecord: () => undefined, record: () => undefined }

/** One that lived once, or one of whom no word ever came. */
function dies(peer: string, isUnmet: boolean): RegistryEvent {
  const death = { type: 'member', peer, from: 'unknown', to: 'dead', why: 'nobody has heard of it' } as const
  return isUnmet ? { ...death, isUnmet } : death
}

test('the first ones are named, once it is said that there are more, each death of one that was ever there is told, and a minute later they are named again', () => {
  let now = 0
  const lines = new UnheardLines(() => now)
  const tell = (event: RegistryEvent): { level: string; message: string } => lines.weigh(event, lineOf(event, register))
  const told = Array.from({ length: 1000 }, (_, i) => tell(dies(`p${i}`, true)))
  const loud = told.filter(({ level }) => level !== 'debug').map(({ message }) => message)
  expect(loud).toHaveLength(9)
  expect(loud[7]).toContain('p7')
  expect(loud[8]).toContain('more members of whom nobody has ever heard')
  expect(tell(dies('b', false))).toMatchObject({ level: 'warn' })
  now = 60_000
  expect(tell(dies('q', true))).toMatchObject({ level: 'warn', message: expect.stringContaining('q') })
})

test('whatever they are said to do is not remembered: what was found here before is not pushed out', () => {
  const read = { nodeId: () => undefined } as never
  const recorder = new Recorder('', { read, self: 'a', wall: () => 0, now: () => 0, write: () => undefined })
  recorder.heard(dies('b', false))
  for (let i = 0; i < 6000; i++) recorder.heard(dies(`p${i}`, true))
  expect(recorder.journal.ask({ limit: 10 }).entries.map(({ node }) => node)).toEqual(['b'])
})
