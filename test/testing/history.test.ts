// Who did what, at two nodes in virtual time: each remembers what was asked for there, and what it found; nobody tells it twice.
import { expect, test } from 'vitest'
import { createTestRegistry } from '../../src/testing.js'
import type { History } from '../../src/testing.js'

const short = ({ entries }: History): string[] =>
  entries.map(({ act, node, via, outcome, times }) =>
    [act, node, via, outcome, ...(times === undefined ? [] : [times])].join(' '),
  )

test('of an id all nodes tell; what was said again is no news; without its node what was seen of it is left', async () => {
  const a = createTestRegistry({ nodeId: 'a' })
  const b = a.join({ nodeId: 'b' })
  const web = { id: 'web-1', slug: 'web', url: 'http://10.0.0.7:8080' }
  for (let i = 0; i < 3; i++) await b.register(web)
  await a.advance('1s')
  await a.setMaintenance('web-1', 'new disk')
  await a.endMaintenance('web-1')
  await b.update('web-1', { weight: 3, metadata: { password: 'x' } })
  await expect(b.renew('web-1')).rejects.toThrow()
  await a.advance('1s')
  const expected = [
    ...['update b library done', 'end maintenance a library done', 'maintenance a library done'],
    'register b library done',
  ]
  for (const one of [a, b]) {
    const told = await one.history({ id: 'web-1' })
    expect(short(told).filter((line) => !line.startsWith('found'))).toEqual(expected)
    expect(told.notAsked).toEqual([])
    expect(JSON.stringify(told)).not.toContain('password')
  }
  expect(short(await b.history({ act: 'register' }))).toEqual(expected.slice(-1))
  b.kill('b')
  await a.advance('5s')
  const left = await a.history({ id: 'web-1' })
  expect(left.notAsked).toEqual(['b'])
  expect(short(left).filter((line) => !/found/.test(line))).toContain('end maintenance a library done')
  expect(short(await a.history({ id: 'b' }))[0]).toBe('member dead b daemon done')
})

test('an instance that is ill again and again pushes out nobody who wrote', async () => {
  const registry = createTestRegistry()
  await registry.register({ id: 'i', slug: 'web', url: 'http://10.0.0.7:8080' })
  for (let i = 0; i < 30; i++) {
    registry.kill('i')
    await registry.advance('2s')
    await registry.restart('i')
    await registry.advance('30s')
  }
  const { entries } = await registry.history({ id: 'i', limit: 100 })
  expect(entries.at(-1)).toMatchObject({ act: 'register', by: 'library' })
  expect(entries.filter(({ act }) => act === 'found')).toHaveLength(20)
})

test('what ended by itself while nobody saw it is told once, and swallows nothing of what is done to it later', async () => {
  const a = createTestRegistry({ nodeId: 'a' })
  const b = a.join({ nodeId: 'b' })
  const timed = { id: 'i', slug: 'web', url: 'http://10.0.0.7:8080', ttl: '1s', grace: '0s', check: 'none' }
  await a.register(timed)
  await a.setMaintenance('i', 'new disk')
  await a.advance('5s')
  expect(short(await a.history({ id: 'i' }))[0]).toBe('removed a daemon done')
  await a.register({ ...timed, ttl: '1h' })
  await b.endMaintenance('i')
  b.kill('b')
  await a.advance('5s')
  const later = ['shown a seen done', 'register a library done', 'removed a daemon done']
  expect(short(await a.history({ id: 'i' })).slice(0, 3)).toEqual(later)
  await a.register({ ...timed, ttl: '1s' })
  await a.advance('5s')
  expect(short(await a.history({ id: 'i' })).slice(0, 3)).toEqual([
    ...['removed a daemon done', 'register a library done', 'shown a seen done'],
  ])
})
