// Records what the worlds of each test ask for, or compares it with what they asked for before: only where SIM_RECORD says into
// which folder; see scripts/simulate/record.ts.
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach } from 'vitest'
import { type Difference, type Line, TestRecording, recordInto } from './recording.js'

const folder = process.env['SIM_RECORD']
const against = process.env['SIM_COMPARE']
const prefix = process.env['SIM_RECORD_AS'] ?? ''
/** Tests whose effects are written out whole. */
const full = process.env['SIM_RECORD_FULL']

if (folder !== undefined) {
  const expected = against === undefined ? undefined : readExpected(against)
  const part = join(folder, `part-${process.pid}`)
  const differences: Difference[] = []
  let test: TestRecording | undefined

  beforeEach(({ task }) => {
    const name = `${prefix}${task.file.name} > ${task.name}`
    const isFull = full !== undefined && new RegExp(full).test(name)
    const tell = isFull ? (line: string): void => appendFileSync(`${part}.txt`, `${line}\n`) : undefined
    test = new TestRecording(name, expected, tell)
    recordInto(test)
  })
  afterEach(() => {
    recordInto(undefined)
    for (const world of test?.worlds ?? []) {
      world.end()
      differences.push(...world.differences)
      for (const line of world.lines()) appendFileSync(`${part}.jsonl`, `${JSON.stringify(line)}\n`)
    }
    if (expected !== undefined) appendFileSync(`${part}.worlds`, `${test?.worlds.length ?? 0} ${test?.unknown ?? 0}\n`)
    test = undefined
  })
  afterAll(() => {
    for (const one of differences.splice(0)) appendFileSync(`${part}.differences`, `${JSON.stringify(one)}\n`)
  })
}

function readExpected(file: string): Map<string, Map<string, Line>> {
  const worlds = new Map<string, Map<string, Line>>()
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    if (text === '') continue
    const line = JSON.parse(text) as Line
    const streams = worlds.get(line.world) ?? new Map<string, Line>()
    worlds.set(line.world, streams.set(line.stream, line))
  }
  return worlds
}
