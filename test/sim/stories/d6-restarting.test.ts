// Stories of D6: goodbyes, restarts and what is held against whom; reports that are refuted, taken back, or no use.
import { expect, test } from 'vitest'
import { decodeGossip } from '../../../src/core/wire/gossip.js'
import type { World } from '../world.js'
import {
  agree,
  cluster,
  clusterOf,
  done,
  observersOf,
  registered,
  reportOf,
  showing,
  transitionsOf,
  urlOf,
} from './cluster.js'

function sayGoodbye(world: World, name: string, restart: boolean): void {
  done(world, world.command(name, { type: 'leave', restart }))
  world.run(50)
  world.crash(name)
}

test('D6: a daemon that says it restarts keeps its healthy instances listed, all the way until it is back', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  agree(world)
  world.run(2000)
  let gaps = 0
  sayGoodbye(world, 'a', true)
  for (let i = 0; i < 200; i++) {
    world.run(100)
    if (showing(world, 'x').replace('a', '') !== 'bcd') gaps += 1
    if (i === 100) world.start('a')
  }
  expect(gaps).toBe(0)
  expect(showing(world, 'x')).toBe('abcd')
  expect(world.beliefs('b')).toContain('a:alive')
})

test('D6: nor does one that it could not check by then go while it comes back', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  agree(world)
  world.run(2000)
  let gaps = 0
  sayGoodbye(world, 'a', true)
  world.service(urlOf('x'), 'silent')
  world.start('a')
  for (let i = 0; i < 2000; i++) {
    world.run(1)
    if (showing(world, 'x').replace('a', '') !== 'bcd') gaps += 1
  }
  expect(gaps).toBe(0)
})

test('D6: who comes back after a goodbye shows what the others hold from the moment at which it is ready', () => {
  for (const names of ['ab', 'abc']) {
    const world = cluster(names)
    registered(world, 'b', 'x')
    agree(world)
    world.run(2000)
    for (const restart of [true, false, true, false, true, false]) {
      sayGoodbye(world, 'a', restart)
      world.run(137) // another moment of the round of heartbeats
      world.start('a')
      world.until(() => world.machine('a').live.readiness().ready, 10_000, 'the start')
      for (let i = 0; i < 200; i++) {
        expect(showing(world, 'x')).toBe(names)
        world.run(10)
      }
      agree(world)
    }
  }
})

test('D6: the grace is half a minute: who is not back by then is gone like any other', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.run(2000)
  sayGoodbye(world, 'a', true)
  expect(world.beliefs('b')).toContain('a:left')
  world.run(29_000)
  expect(showing(world, 'x')).toBe('bc')
  world.run(1500)
  expect(showing(world, 'x')).toBe('')
  expect(world.lookup('b', 'x')).toEqual([])
})

test('D6: during the grace only what was healthy is listed', () => {
  const world = cluster('abc')
  world.service('http://sick.test:80', 'Degraded')
  registered(world, 'a', 'sick')
  registered(world, 'a', 'well')
  agree(world)
  world.run(2000)
  expect(showing(world, 'sick')).toBe('abc')
  sayGoodbye(world, 'a', true)
  world.run(1000)
  expect([showing(world, 'sick'), showing(world, 'well')]).toEqual(['', 'bc'])
})

test('D6: a goodbye for good after one for a restart ends the grace', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  agree(world)
  world.run(2000)
  done(world, world.command('a', { type: 'leave', restart: true }))
  world.run(100)
  expect(showing(world, 'x')).toContain('b')
  done(world, world.command('a', { type: 'leave' }))
  world.run(100)
  expect(showing(world, 'x').replace('a', '')).toBe('')
})

test('D6: a restart in grace whose daemon comes back with other instances shows those, and not what went', () => {
  const world = cluster('abc')
  registered(world, 'a', 'x')
  registered(world, 'a', 'y')
  agree(world)
  world.run(2000)
  sayGoodbye(world, 'a', true)
  world.start('a')
  world.until(() => world.machine('a').live.readiness().ready, 10_000, 'the start')
  done(world, world.deregister('a', 'y'))
  agree(world)
  world.run(2000)
  expect([showing(world, 'x'), showing(world, 'y')]).toEqual(['abc', ''])
})

test('D6: whose generation is raised while it runs stays shown; forgotten while it lives it is back at once', () => {
  const world = cluster('abcd')
  registered(world, 'a', 'x')
  agree(world)
  world.run(2000)
  const { generation } = world.machine('a').live
  done(world, world.command('a', { type: 'remove-node', owner: 'a' }))
  for (let i = 0; i < 300; i++) {
    world.run(10)
    expect(showing(world, 'x')).toBe('abcd')
  }
  expect(world.machine('a').live.generation).toBeGreaterThan(generation)
  for (let i = 0; i < 5; i++) {
    world.run(137) // another moment of its round of heartbeats
    done(world, world.command('b', { type: 'remove-node', owner: 'a' }))
    expect(world.until(() => showing(world, 'x') === 'abcd', 5000, 'the return')).toBeLessThan(350)
  }
})

/** How long a machine takes from its start until another one shows its instance. */
function backAfter_ms(world: World, name: string, by: string): number {
  world.start(name)
  return world.until(() => world.beliefs(by).includes(`${name}:alive`), 120_000, 'the return')
}

test('D6: restarts with a goodbye are held against nobody, however many there are', () => {
  const world = cluster('abcde')
  const times: number[] = []
  for (let i = 0; i < 8; i++) {
    sayGoodbye(world, 'a', i % 2 === 0)
    world.run(3000)
    times.push(backAfter_ms(world, 'a', 'b'))
    world.run(5000)
  }
  expect(Math.max(...times)).toBeLessThan(3000)
})

test('D6: a daemon killed again and again is shown later each time; a goodbye wipes the slate clean', () => {
  const world = cluster('abcde')
  const times: number[] = []
  for (let i = 0; i < 6; i++) {
    world.crash('a')
    world.run(3000)
    times.push(backAfter_ms(world, 'a', 'b'))
    world.run(3000)
  }
  expect(times.at(-1)).toBeGreaterThan(10_000)
  sayGoodbye(world, 'a', false)
  world.run(3000)
  expect(backAfter_ms(world, 'a', 'b')).toBeLessThan(3000)
  world.run(3000)
  world.crash('a')
  world.run(3000)
  expect(backAfter_ms(world, 'a', 'b')).toBeLessThan(3000)
})

test('D6: all said goodbye and start again: they find each other, though each holds the other for gone', () => {
  const world = cluster('ab')
  sayGoodbye(world, 'a', false)
  sayGoodbye(world, 'b', false)
  world.run(10_000)
  world.startAll('a', 'b')
  agree(world)
})

/** Reports on their way, as `author subject`, with a minus where they take back. */
function watchReports(world: World): string[] {
  const seen = new Set<string>()
  const said: string[] = []
  world.wires.tap = ({ kind, bytes }) => {
    const message = kind === 'gossip' ? decodeGossip(bytes) : undefined
    if (message?.type !== 'report' || seen.has(String(bytes))) return
    seen.add(String(bytes))
    for (const { subject, incarnation, withdrawn } of message.about)
      said.push(`${withdrawn === true ? '-' : '+'}${subject}/${incarnation}`)
  }
  return said
}

test('D6: a report is taken back as soon as its author hears the member again', () => {
  const world = cluster('abcdef')
  world.run(3000)
  const said = watchReports(world)
  for (const name of 'bc') world.wires.set('a', name, { cut: true })
  world.until(() => world.beliefs('d').includes('a:hidden'), 5000, 'the hiding')
  world.wires.gossipOn = true
  world.wires.heal()
  world.until(() => said.includes('-a/0') || said.includes('-a/1'), 3000, 'the withdrawal')
  const took_ms = world.until(() => world.beliefs('d').includes('a:alive'), 3000, 'the return')
  expect(took_ms).toBeLessThan(2000)
})

test('D6: a refutation makes void at once what was reported before it', () => {
  const world = cluster('abcdefg')
  const { generation } = world.machine('a').live
  for (const author of 'bcde') {
    // More than any bar asks for, so that it matters whether they still count.
    const bytes = reportOf('a', generation)
    for (const to of 'afg') world.feed(to, { type: 'gossip', author, bytes })
  }
  expect(world.beliefs('f')).toContain('a:hidden')
  const took_ms = world.until(() => world.beliefs('f').includes('a:alive'), 4900, 'the return')
  expect(took_ms).toBeLessThan(1500) // the reports themselves would stand for five seconds
})

test('D6: whom three of eight observers cannot reach refutes once, and is visible for the rest of the time', () => {
  const world = clusterOf(20)
  const [first = '', second = '', third = ''] = observersOf(world, 'm00')
  for (const name of [first, second, third]) world.wires.set('m00', name, { cut: true })
  world.until(() => world.machine('m00').eventsOf('refuted').length > 0, 10_000, 'the refutation')
  world.run(5000)
  const since = world.now
  world.run(120_000)
  expect(world.machine('m00').eventsOf('refuted')).toHaveLength(1)
  const hidings = transitionsOf(world, 'm00', since)
  expect(hidings).toEqual([])
})

test('D6: who joins later asks for as many reports as those who saw the refutations', () => {
  const world = clusterOf(20)
  for (const name of observersOf(world, 'm00').slice(0, 3)) world.wires.set('m00', name, { cut: true })
  world.until(() => world.machine('m00').eventsOf('refuted').length > 0, 10_000, 'the refutation')
  world.run(5000)
  const since = world.now
  world.start('z')
  agree(world)
  world.run(30_000)
  const seenByNew = transitionsOf(world, 'm00', since, ['z'])
  expect(seenByNew.filter((line) => !line.includes('unknown'))).toEqual([])
})

test('D6: who lost power and has begun elsewhere is not hidden since nobody listens where it was, when the connections from there are given up', () => {
  const world = cluster('abcd')
  registered(world, 'c', 'x')
  agree(world)
  world.run(5000)
  world.vanish('c')
  world.clone('c', 'c2')
  for (const name of 'ab') world.cut(name, 'c2')
  world.start('c2')
  const { generation } = world.machine('c2').live
  const isSeen = (name: string): boolean =>
    world
      .machine(name)
      .live.read.members(world.moment(name))
      .some((member) => member.peer === 'c' && member.generation === generation && member.state === 'alive')
  world.until(() => [...'abd'].every(isSeen), 10_000, 'the new start is seen')
  world.run(1000)
  const since = world.now
  for (const name of 'ab') {
    world.feed(name, { type: 'disconnected', peer: 'c' })
    world.feed(name, { type: 'refused', peer: 'c', isVacant: true })
  }
  for (let i = 0; i < 50; i++) {
    world.run(100)
    expect(showing(world, 'x')).toBe('abdc2')
  }
  expect(transitionsOf(world, 'c', since)).toEqual([])
})
