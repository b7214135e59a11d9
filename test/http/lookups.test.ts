/** Answers that are kept: the bytes are those of the daemon's own answer, for as long as it would say the same. */
import { beforeEach, expect, test, vi } from 'vitest'
import { LookupAnswers } from '../../src/http/lookups.js'
import { MemoryService } from './service.js'

let service: MemoryService
let now: number
let answers: LookupAnswers
beforeEach(async () => {
  service = new MemoryService()
  now = 0
  answers = new LookupAnswers(
    () => service,
    () => now,
  )
  for (const id of ['a', 'b', 'c'])
    await service.register({ id, slug: 'web', url: `http://${id}.test`, tags: ['é"\\'] })
})

const lookup = (): unknown => JSON.parse(Buffer.concat(answers.lookup('web')).toString())
const list = (): unknown => JSON.parse(Buffer.concat(answers.list('web')).toString())

test('kept or not, an answer says what the daemon says', () => {
  for (let i = 0; i < 4; i += 1) {
    const { instances, degraded } = service.lookup('web')
    expect(lookup()).toEqual({ slug: 'web', instances, picked: expect.anything() as unknown, degraded })
    expect(list()).toEqual({ instances })
  }
})

test('while nothing changes the daemon is asked for nothing but whose turn it is', () => {
  const asked = vi.spyOn(service, 'lookup')
  const picked = Array.from({ length: 6 }, () => (lookup() as { picked: { id: string } }).picked.id)
  expect(asked).toHaveBeenCalledTimes(1)
  expect(picked.slice(3)).toEqual(picked.slice(0, 3))
  expect(new Set(picked).size).toBe(3)
})

test('nor where a port is named: of what is kept the picked one alone is told anew', async () => {
  await service.register({ id: 'd', slug: 'web', url: 'http://d.test/x', ports: { metrics: 9464 } })
  const asked = vi.spyOn(service, 'lookup')
  const at = (port: string): unknown => JSON.parse(Buffer.concat(answers.lookup('web', { port })).toString())
  const instances = service.instances('web')
  asked.mockClear()
  for (let i = 0; i < 3; i += 1)
    expect(at('metrics')).toEqual({
      ...{ slug: 'web', instances, degraded: false },
      picked: { ...instances[3], url: 'http://d.test:9464', port: 9464 },
    })
  expect(asked).toHaveBeenCalledTimes(1)
})

test('a second later the moments of heartbeats are new', () => {
  const instances = service.instances('web')
  const at = (lastHeartbeat: string) => instances.map((one) => ({ ...one, lastHeartbeat }))
  const spy = vi.spyOn(service, 'instances').mockImplementation(() => at('2026-11-24T12:00:00.000Z'))
  const seen = (): unknown => (lookup() as { instances: { lastHeartbeat: string }[] }).instances[0]?.lastHeartbeat
  expect(seen()).toBe('2026-11-24T12:00:00.000Z')
  spy.mockImplementation(() => at('2026-11-24T12:00:01.000Z'))
  now = 999
  expect(seen()).toBe('2026-11-24T12:00:00.000Z')
  now = 1000
  expect(seen()).toBe('2026-11-24T12:00:01.000Z')
})

test('a change is seen at once, in both', async () => {
  lookup()
  list()
  await service.deregister('b')
  expect(lookup()).toMatchObject({ instances: [{ id: 'a' }, { id: 'c' }] })
  expect(list()).toMatchObject({ instances: [{ id: 'a' }, { id: 'c' }] })
  service.degraded = true
  expect(lookup()).toMatchObject({ degraded: true })
})

test('nothing is kept of a slug that is gone, and nothing is known of one that never was', async () => {
  lookup()
  for (const id of ['a', 'b', 'c']) await service.deregister(id)
  expect(lookup).toThrow(/nothing is registered as web/)
  expect(list()).toEqual({ instances: [] })
  expect(() => answers.lookup('nobody')).toThrow(/nobody/)
})
