/** What a demonstration draws: sentences that stay above a table that is drawn in its place; in a pipe the sentences alone. */
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { Screen } from '../../src/cli/demo/screen.js'
import { drawTable } from '../../src/cli/demo/table.js'

/** A terminal as far as it is needed here: lines, and a cursor that goes up and clears what is below. */
class Terminal {
  readonly isTTY = true
  lines: string[] = ['']

  constructor(readonly columns = 80) {}

  write(text: string): void {
    for (const part of text.split(/(\n|\u001b\[\d+A|\u001b\[0J)/)) {
      const up = /^\u001b\[(\d+)A$/.exec(part)?.[1]
      if (part === '\n') this.lines.push('')
      else if (up !== undefined) this.lines.splice(this.lines.length - 1 - Number(up), Infinity, '')
      else if (part !== '\u001b[0J') this.lines[this.lines.length - 1] += stripVTControlCharacters(part)
    }
  }
}

test('on a terminal the table stays below the sentences, and is drawn once however often it changes', () => {
  const terminal = new Terminal()
  const screen = new Screen(terminal)
  screen.say('one')
  screen.show(['table 1', 'row'])
  screen.show(['table 2', 'row'])
  screen.say('two')
  screen.show(['table 3'])
  expect(terminal.lines).toEqual(['one', 'two', '', 'table 3', ''])
  screen.release(true)
  screen.say('three')
  expect(terminal.lines).toEqual(['one', 'two', '', 'table 3', 'three', ''])
})

test('a table that is released may go with its place', () => {
  const terminal = new Terminal()
  const screen = new Screen(terminal)
  screen.show(['table'])
  screen.release(false)
  screen.say('interrupted')
  expect(terminal.lines).toEqual(['interrupted', ''])
})

test('a row never takes two lines of a narrow terminal: the next drawing would miss one', () => {
  const terminal = new Terminal(10)
  new Screen(terminal).show(['0123456789abc'])
  expect(terminal.lines).toEqual(['', '012345678', ''])
})

test('in a pipe there are sentences alone, without colours', () => {
  let written = ''
  const screen = new Screen({ write: (text: string) => (written += text) })
  screen.say(screen.paint('bad', 'one'))
  screen.show(['table'])
  screen.say('two')
  expect(written).toBe('one\ntwo\n')
})

test('the table has a row for each instance and a column for each daemon, and nothing of one that is down', () => {
  const sight = new Map([['web-a', 'Healthy' as const]])
  const lines = drawTable(
    [{ id: 'web-a' }, { id: 'web-b' }],
    [
      { name: 'a', sight, isRunning: true },
      { name: 'b', sight, isRunning: false },
      { name: 'c', sight: undefined, isRunning: true },
    ],
    (_, text) => text,
  )
  expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['instance', 'seen by a', 'seen by b', 'seen by c'],
    ['(the daemon)', 'up', 'down', 'up'],
    ['web-a', 'Healthy', '-', '-'],
    ['web-b', '-', '-', '-'],
  ])
})
