// The bytes of answers, while they are taken: counted as long as somebody is there who takes them, kept no longer than they count.
import { once } from 'node:events'
import { createServer, get, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import { afterEach, expect, test, vi } from 'vitest'
import { ListAnswers } from '../../src/http/lists.js'
import type { RegistryService } from '../../src/http/service.js'
import { WaitingAnswers } from '../../src/http/waiting.js'

afterEach(() => void vi.useRealTimers())

test('an answer to somebody who went while his token was looked at waits for nobody', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const asking = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  asking.on('error', () => undefined)
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse]
  asking.destroy()
  await once(response, 'close')
  const app = fastify()
  const waiting = new WaitingAnswers(app)
  waiting.add(response, {}, 1_000_000)
  expect(waiting.bytes).toBe(0)
  server.close()
  await app.close()
})

test('a list of the register is made once while it counts, and then not held', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  const state = { revision: 1, made: 0 }
  const lists = new ListAnswers(() => state as unknown as RegistryService)
  const ask = (question: string): Buffer => lists.answer(question, () => ({ made: (state.made += 1) }))
  const first = ask('/a')
  expect(ask('/a')).toBe(first)
  state.revision = 2
  expect(ask('/a')).not.toBe(first)
  vi.advanceTimersByTime(400)
  ask('/b')
  vi.advanceTimersByTime(300)
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(1000)
  expect(vi.getTimerCount()).toBe(0)
  ask('/a')
  expect([state.made, vi.getTimerCount()]).toEqual([4, 1])
})
