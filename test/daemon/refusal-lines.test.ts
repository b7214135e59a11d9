// The log lines of refused calls: bounded for each source, with the number of those that were left out.
import { expect, test } from 'vitest'
import { RegistryError } from '../../src/core/model/errors.js'
import type { Entry } from '../../src/core/journal/entry.js'
import { parseHistoryQuery } from '../../src/core/journal/query.js'
import { RefusalLines, refusalLines } from '../../src/core/journal/refusal-lines.js'
import { Recorder } from '../../src/daemon/recording.js'

const { atOnce, pause_ms, sources } = refusalLines

function entry(outcome: Entry['outcome'], address = '10.0.0.7'): Omit<Entry, 'seq'> {
  return { act: 'update', id: 'i', via: 'http', address, at: '', outcome, details: 'weight: no number' }
}

test('some refusals of a source are told at once, then one in a while, with how many were not; others and what is done have all', () => {
  const lines = new RefusalLines()
  const told = (now: number, of = entry('refused')): number | undefined => {
    const line = lines.lineOf(of, now)
    return line && ((line.fields as { readonly leftOut?: number }).leftOut ?? 0)
  }
  const flood = Array.from({ length: 1000 }, () => told(0))
  expect(flood.filter((leftOut) => leftOut === 0)).toHaveLength(atOnce)
  expect(flood.at(-1)).toBeUndefined()
  for (const other of [entry('refused', '10.0.0.8'), entry('failed'), entry('done'), entry('unchanged')])
    expect(told(0, other)).toBe(0)
  expect(told(pause_ms)).toBe(1000 - atOnce)
  expect(told(pause_ms)).toBeUndefined()
  expect(lines.lineOf(entry('refused'), 2 * pause_ms)?.message).toBe(
    'update i: refused, from 10.0.0.7: weight: no number (1 more from there were left out before)',
  )
  const later = Array.from({ length: 100 }, () => told(1e6))
  expect(later.filter((leftOut) => leftOut === 0)).toHaveLength(atOnce)
})

test('all addresses of one network of IPv6 are one source', () => {
  const lines = new RefusalLines()
  const told = Array.from({ length: 100 }, (_, i) => lines.lineOf(entry('refused', `2001:db8::${i.toString(16)}`), 0))
  expect(told.filter((line) => line !== undefined)).toHaveLength(atOnce)
  expect(lines.lineOf(entry('refused', '2001:db8:0:1::1'), 0)).toBeDefined()
})

test('so many sources are told apart: the one heard of longest ago is forgotten', () => {
  const lines = new RefusalLines()
  for (let i = 0; i < atOnce; i++) lines.lineOf(entry('refused', 'first'), 0)
  expect(lines.lineOf(entry('refused', 'first'), 0)).toBeUndefined()
  for (let i = 0; i < sources; i++) lines.lineOf(entry('refused', `10.0.${i}`), 0)
  expect(lines.lineOf(entry('refused', 'first'), 0)).toBeDefined()
})

test('a caller that is refused a thousand times at once has some lines, and the journal is told of each', () => {
  const lines: string[] = []
  const read = { record: () => undefined, homeOf: () => undefined, nodeId: () => undefined }
  const write = ({ message }: { readonly message: string }): void => void lines.push(message)
  const recorder = new Recorder('', { read, self: 'a', wall: () => 0, now: () => 0, write })
  for (let i = 0; i < 1000; i++)
    recorder.refused({ act: 'update', id: 'i' }, new RegistryError('not-found', 'no'), { via: 'http', address: 'x' })
  expect(lines).toHaveLength(atOnce)
  expect(recorder.journal.ask(parseHistoryQuery({ id: 'i' })).entries[0]).toMatchObject({
    outcome: 'refused',
    seq: 1000,
  })
})
