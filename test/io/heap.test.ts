/** A small heap is gone through less often than V8 does by itself: in processes of their own, each with such a heap. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { compiled } from './compiled.js'

const heap = await compiled('../../src/io/heap.ts')

/** Keeps some forty megabytes, and replaces a quarter of them at a time. */
const work = `
  const { constants, PerformanceObserver } = await import('node:perf_hooks')
  let times = 0
  const count = (entries) => entries.getEntries().forEach(({ detail }) => (times += Number(detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR)))
  new PerformanceObserver(count).observe({ entryTypes: ['gc'] })
  const kept = Array.from({ length: 400_000 }, (_, n) => ({ n, pair: [n, n] }))
  for (let round = 0; round < 40; round++) {
    for (let n = 0; n < 100_000; n++) kept[(n * 7919 + round * 104_729) % kept.length] = { n, pair: [n, round] }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await new Promise((resolve) => setTimeout(resolve, 50))
  console.log(times)`

/** @returns how often a process that has so much heap goes through all of it */
function timesWith(heap_MiB: number, before: string): number {
  const flags = [`--max-old-space-size=${heap_MiB}`, '--input-type=module', '--eval', before + work]
  const { stdout, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8' })
  if (stderr !== '') throw new Error(stderr)
  return Number(stdout)
}

test('a small heap may double before all of it is gone through', () => {
  const ours = `;(await import(${JSON.stringify(heap)})).letHeapDouble();`
  expect(timesWith(256, ours)).toBeLessThan(timesWith(256, ''))
})
