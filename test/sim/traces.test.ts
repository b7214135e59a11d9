// Stories of the protocol, each a text to be read as prose: what daemons do today is compared with the whole of it. To read them in
// turn: register, gap, join, refuted, restart, goodbye, forgotten, split, backup, clone. UPDATE_TRACES=1 writes the texts anew: read
// what changed in them before you keep it.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { play } from './traces/play.js'

const folder = fileURLToPath(new URL('traces', import.meta.url))
const files = readdirSync(folder).filter((name) => name.endsWith('.trace'))

test.each(files)('%s tells what happens', (file) => {
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  const now = play(file, text)
  if (process.env['UPDATE_TRACES'] === '1') writeFileSync(path, now)
  else expect(now).toBe(text)
})

test.each([
  {
    what: 'a command that nobody knows',
    text: 'Title\n\n> given that a run\n> a dances\n',
    said: 'x.trace:4: unknown',
  },
  { what: 'a machine that is not there', text: 'Title\n\n> kill b\n', said: 'x.trace:3: no machine b' },
  { what: 'a trace without a command', text: 'Title\n\n  1 ms  a  is ready\n', said: 'x.trace:3: a trace' },
])('$what is told with its file and line', ({ text, said }) => {
  expect(() => play('x.trace', text)).toThrow(said)
})
