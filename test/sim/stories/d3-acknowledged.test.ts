// Stories of D3: how many nodes hold what was written, for callers who want to know before they go on.
import { expect, test } from 'vitest'
import type { Effect } from '../../../src/core/effects.js'
import type { AckCount } from '../../../src/core/model/acks.js'
import { decodeSyncRequest } from '../../../src/core/wire/sync.js'
import type { World } from '../world.js'
import { agree, cluster, clusterOf, done, registered, urlOf } from './cluster.js'

/** @returns how many were told to hold it, and how long that took */
function held(world: World, name: string, acks: AckCount, patience_ms = 2000, home?: string): [number, number] {
  const begun = world.now
  const more = home === undefined ? {} : { home }
  const count = done(world, world.command(name, { type: 'acknowledge', acks, patience_ms, ...more }))
  return [Number(count), world.now - begun]
}

/** Those at which a lookup shows it. */
function holders(world: World, slug: string): number {
  return world.running().filter(({ name }) => world.lookup(name, slug)?.length === 1).length
}

test('D3: so many nodes hold it as are told to, at once where one is enough', () => {
  const world = cluster('abcde')
  registered(world, 'a', 'x')
  expect(held(world, 'a', 1)).toEqual([1, 0])
  const [two, took_ms] = held(world, 'a', 2)
  expect(two).toBeGreaterThanOrEqual(2)
  expect(holders(world, 'x')).toBeGreaterThanOrEqual(two)
  expect(took_ms).toBeLessThan(150)
  registered(world, 'a', 'y')
  expect(held(world, 'a', 'all')[0]).toBe(5)
  expect(holders(world, 'y')).toBe(5)
})

test('D3: where nobody can be told the answer says so once the time has passed, and no error', () => {
  const world = cluster('abc')
  world.partition(['a'], ['b', 'c'])
  registered(world, 'a', 'x')
  expect(held(world, 'a', 2, 700)).toEqual([1, 700])
  world.until(() => world.machine('a').live.read.alive === 1, 10_000, 'a alone')
  expect(held(world, 'a', 'all')).toEqual([1, 0])
  world.heal()
  agree(world)
  expect(held(world, 'a', 3)[0]).toBe(3)
})

test('D3: who cannot write it down is none of those that hold it, until it can', () => {
  const world = cluster('abc')
  world.machine('c').disk.failure = 'ENOSPC'
  registered(world, 'a', 'x')
  world.until(() => holders(world, 'x') === 3, 2000, 'shown by all')
  expect(held(world, 'a', 'all', 700)).toEqual([2, 700])
  world.machine('c').disk.failure = undefined
  expect(held(world, 'a', 'all')[0]).toBe(3)
})

test('D3: without gossip whoever lacks it is given it', () => {
  const world = cluster('abc')
  world.wires.gossipOn = false
  registered(world, 'a', 'x')
  const [all, took_ms] = held(world, 'a', 'all')
  expect([all, holders(world, 'x')]).toEqual([3, 3])
  expect(took_ms).toBeLessThan(1000)
})

test('D3: what was done at another home is held where both documents are', () => {
  const world = cluster('abcd')
  registered(world, 'b', 'x')
  agree(world)
  done(world, world.deregister('a', 'x'))
  expect(held(world, 'a', 'all', 2000, 'b')[0]).toBe(4)
  expect(world.running().every(({ name }) => (world.lookup(name, 'x') ?? []).length === 0)).toBe(true)
})

test('D3: peers that have just fallen silent keep nobody from asking the others', () => {
  const world = cluster('abcdef')
  world.partition(['a', 'e', 'f'], ['b', 'c', 'd'])
  registered(world, 'a', 'x')
  const [three, took_ms] = held(world, 'a', 3)
  expect([three, holders(world, 'x')]).toEqual([3, 3])
  expect(took_ms).toBeLessThan(1000)
})

test('D3: a peer that restarts meanwhile is no holder before it holds it, and of many not each is asked', () => {
  const world = clusterOf(12)
  registered(world, 'm00', 'x')
  world.crash('m01')
  world.start('m01')
  const asked = world.machine('m00').live.toJSON().requests.compare
  expect(asked).toBe(0)
  expect(held(world, 'm00', 3)[0]).toBeGreaterThanOrEqual(3)
  expect(held(world, 'm00', 'all')[0]).toBe(12)
  expect(world.running().filter(({ live }) => live.read.record('x') === undefined)).toEqual([])
})

test('D3: what was written elsewhere a moment ago is unknown here, which is told with the way out; who waited for all finds it', () => {
  const world = cluster('ab')
  world.cut('a', 'b') // for a moment: it is on its way
  done(world, world.register('a', { id: 'x', slug: 'x', url: urlOf('x') }))
  const early = world.deregister('b', 'x')
  world.until(() => early.result !== undefined, 5, 'the answer')
  expect(early.result?.error).toMatchObject({
    code: 'not-found',
    message: expect.stringMatching(/comes here by itself, and PUT \/v1\/instances\?acks=all waits/) as string,
  })
  world.heal()
  done(world, world.register('a', { id: 'y', slug: 'y', url: urlOf('y') }))
  expect(held(world, 'a', 'all')[0]).toBe(2)
  done(world, world.deregister('b', 'y'))
})

test('D3: who waits at a node that leaves is told how many hold it by then', () => {
  const world = cluster('abc')
  world.partition(['a', 'b'], ['c'])
  registered(world, 'a', 'x')
  const waiting = world.command('a', { type: 'acknowledge', acks: 3, patience_ms: 5000 })
  world.run(300)
  world.leave('a')
  expect(done(world, waiting)).toBe('2')
})

test('D3: who holds a version is not told to hold what was written while it was asked', () => {
  const world = cluster('ab', { link: { delay_ms: 20 } })
  registered(world, 'a', 'x')
  const x = world.command('a', { type: 'acknowledge', acks: 2, patience_ms: 2000 })
  const isAsked = (): boolean => world.machine('a').live.toJSON().requests.compare === 1
  world.until(isAsked, 1000, 'the question')
  world.wires.gossipOn = false
  const written = world.register('a', { id: 'y', slug: 'y', url: urlOf('y') })
  world.until(() => written.result !== undefined, 1000, 'y')
  const y = world.command('a', { type: 'acknowledge', acks: 2, patience_ms: 2000 })
  expect(isAsked()).toBe(true)
  expect(done(world, x)).toBe('2')
  expect(y.result).toBeUndefined()
  expect(done(world, y)).toBe('2')
  expect(holders(world, 'y')).toBe(2)
})

test('D3: a peer that cannot even be asked is tried now and then, not without end', () => {
  const questions: number[] = []
  const world = cluster('ab', {
    watch: (machine, _now, _input, effects) => {
      if (machine.name !== 'a') return
      for (const effect of effects) if (effect.type === 'request' && isAboutSome(effect)) questions.push(effect.id)
    },
  })
  registered(world, 'a', 'x')
  agree(world)
  questions.length = 0
  registered(world, 'a', 'y')
  const answer = world.command('a', { type: 'acknowledge', acks: 2, patience_ms: 1000 })
  for (let closed = 0; answer.result === undefined && closed < 100; world.run(1))
    for (; closed < questions.length && closed < 100; closed++)
      world.feed('a', { type: 'closed', id: questions[closed] as number, ok: false })
  expect(answer.result?.value).toBe('1')
  expect(questions.length).toBeGreaterThan(5)
  expect(questions.length).toBeLessThan(25)
})

/** As much as to ask whether somebody lacks a version. */
function isAboutSome(effect: Effect): boolean {
  const said = effect.type === 'request' ? decodeSyncRequest(effect.bytes) : undefined
  return said?.type === 'sync' && said.scope === 'listed'
}

test('D3: who asks for many writes at once asks each peer once at a time, and is told of all; also while writes go on', () => {
  let questions = 0
  const world = cluster('abc', {
    watch: (machine, _now, _input, effects) => {
      if (machine.name === 'a') questions += effects.filter(isAboutSome).length
    },
  })
  registered(world, 'a', 'first')
  agree(world)
  questions = 0
  const answers = Array.from({ length: 300 }, (_, n) => {
    registered(world, 'a', `s${n}`)
    return world.command('a', { type: 'acknowledge', acks: 2, patience_ms: 2000 })
  })
  for (const answer of answers) expect(Number(done(world, answer))).toBeGreaterThanOrEqual(2)
  expect(questions).toBeGreaterThan(0)
  expect(questions).toBeLessThan(answers.length) // where each write asked by itself it were twice as many, and more
})

test('D3: however much is written, a peer is asked fifty times a second', () => {
  let questions = 0
  const world = cluster('ab', {
    watch: (machine, _now, _input, effects) => {
      if (machine.name === 'a') questions += effects.filter(isAboutSome).length
    },
  })
  registered(world, 'a', 'first')
  agree(world)
  questions = 0
  const begun = world.now
  const answers: { readonly result?: unknown }[] = []
  for (let n = 0; world.now < begun + 2000; n++) {
    registered(world, 'a', `s${n}`)
    answers.push(world.command('a', { type: 'acknowledge', acks: 2, patience_ms: 2000 }))
    world.until(() => world.now >= begun + 4 * n, 100, 'the next write')
  }
  world.until(() => answers.every(({ result }) => result !== undefined), 1000, 'the answers')
  expect(answers.length).toBeGreaterThan(200)
  for (const { result } of answers) expect(result).toMatchObject({ value: '2' })
  expect(questions).toBeGreaterThan(20)
  expect(questions).toBeLessThan(110)
})
