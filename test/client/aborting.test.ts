// Signals that go with many calls at once. In virtual time.
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { onAbort } from '../../src/client/aborting.js'
import { follow } from '../../src/client/fetching/following.js'
import { pause, untilAborted } from '../../src/client/pause.js'
import { watchingOf } from '../../src/node/lists.js'
import { useVirtualTime } from './world.js'

useVirtualTime()

const listenersOf = ({ signal }: AbortController): number => getEventListeners(signal, 'abort').length

test('whatever waits with a signal listens to it by one listener, which is gone when nothing does', async () => {
  const abort = new AbortController()
  const { signal } = abort
  const calls = new AbortController()
  const ends = Array.from({ length: 20 }, () => follow(signal, calls))
  const over = new AbortController()
  const waiting = [
    ...Array.from({ length: 20 }, () => untilAborted(signal, () => pause(60_000, over.signal))),
    ...Array.from({ length: 20 }, () => pause(60_000, signal)),
  ]
  expect([listenersOf(abort), listenersOf(over)]).toEqual([1, 1])
  over.abort()
  await Promise.all(waiting.slice(0, 20))
  expect([listenersOf(abort), listenersOf(over)]).toEqual([1, 0])
  for (const end of [...ends, ...ends]) end()
  expect(listenersOf(abort)).toBe(1)
  abort.abort(new Error('enough'))
  await Promise.all(waiting.slice(20))
  expect([listenersOf(abort), calls.signal.aborted]).toEqual([0, false])
})

test('who waits no more is not told; who waits again later is', () => {
  const abort = new AbortController()
  const told: number[] = []
  const end = onAbort(abort.signal, () => told.push(1))
  end()
  expect(listenersOf(abort)).toBe(0)
  onAbort(abort.signal, () => told.push(2))
  end()
  abort.abort()
  expect(told).toEqual([2])
})

test('any number of loops of one node end with it', async () => {
  const over = new AbortController()
  const { watch } = watchingOf(() => ({ watch: () => () => undefined }), over.signal)
  const loops = Array.from({ length: 20 }, () => watch('web').next())
  expect(listenersOf(over)).toBe(1)
  over.abort()
  expect(await Promise.all(loops)).toEqual(Array(20).fill({ done: true, value: undefined }))
})
