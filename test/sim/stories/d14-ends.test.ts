// Stories of D14: each kind of registration against each way in which a program, its daemon, or what lies between them ends.
import { expect, test } from 'vitest'
import type { World } from '../world.js'
import { agree, cluster, done, refused, rows, showing, shownStatus, urlOf } from './cluster.js'

/** What lives until it is removed, with a session, by a ttl of 10 s, and unless it is ill, or its node away, for 20 s. */
const lives = {
  p: { lifetime: 'persistent' },
  s: { session: 's', lifetime: 'session' },
  t: { ttl: '10s' },
  d: { deregisterAfter: '20s' },
} as const

const ids = Object.keys(lives)

/** A program at `a` that has registered one of each. */
class Program {
  readonly world = cluster('abc')
  session = ''
  #line = 0
  /** It speaks and renews every 2 s, as long as it can. */
  isAlive = true

  constructor() {
    this.open(true)
    for (const id of ids) this.register(id)
    agree(this.world)
  }

  open(isNew = false, secret = 's', name = 'a'): void {
    const command = { type: 'open-session', secret, line: (this.#line += 1), isNew } as const
    this.session = done(this.world, this.world.command(name, command), 20_000) as string
  }

  register(id: string, said: object = lives[id as 'p'], name = 'a'): void {
    done(this.world, this.world.register(name, { id, slug: id, url: urlOf(id), ...said }))
  }

  lose(): void {
    const command = { type: 'lose-session', id: this.session, line: this.#line } as const
    done(this.world, this.world.command('a', command))
  }

  /** Whether checks are answered. */
  set answers(answers: boolean) {
    for (const id of ids) this.world.service(urlOf(id), answers ? 'Healthy' : 'Unreachable')
  }

  /** What the kernel does for it. */
  kill(): void {
    this.isAlive = false
    this.answers = false
    this.lose()
  }

  pass(duration_ms: number): void {
    for (let passed = 0; passed < duration_ms; passed += 1000) {
      if (this.isAlive && passed % 2000 === 0) {
        this.world.command('a', { type: 'hear-session', id: this.session, secret: 's' })
        this.world.command('a', { type: 'act', id: 't', act: { type: 'renew' } })
      }
      this.world.run(1000)
    }
  }

  /** Who lists each: `p:abc s: …`. */
  get listed(): string {
    return ids.map((id) => `${id}:${showing(this.world, id)}`).join(' ')
  }
}

const all = 'p:abc s:abc t:abc d:abc'

test('D14, killed: what lives with it is gone after its grace, what it renewed after its ttl, what is ill too long then; the rest stays', () => {
  const program = new Program()
  program.kill()
  program.pass(6000)
  expect(program.listed).toBe('p:abc s: t:abc d:abc')
  program.pass(11_000)
  expect(program.listed).toBe('p:abc s: t: d:abc')
  program.pass(15_000)
  expect(program.listed).toBe('p:abc s: t: d:')
  program.pass(60_000)
  expect(program.listed).toBe('p:abc s: t: d:')
})

test('D14, a clean end: what lives with it goes at once, and nothing else with it', () => {
  const program = new Program()
  done(program.world, program.world.command('a', { type: 'end-session', id: program.session, secret: 's' }))
  program.world.run(500)
  expect(program.listed).toBe('p:abc s: t:abc d:abc')
  program.pass(30_000)
  expect(program.listed).toBe('p:abc s: t:abc d:abc')
})

test.each([
  ['8 s', 8000, all],
  ['14 s, and its session is opened again', 14_000, all],
  ['13 s, and its line still stands', 13_000, all],
  ['40 s', 40_000, 'p:abc s: t: d:'],
])('D14, stopped by SIGSTOP, or its cable pulled, for %s', (_, duration_ms, expected) => {
  const program = new Program()
  program.isAlive = false
  program.answers = false
  program.pass(duration_ms)
  program.answers = true
  program.isAlive = true
  if (duration_ms === 14_000) {
    program.open()
    done(program.world, program.world.command('a', { type: 'act', id: 't', act: { type: 'renew' } }))
  }
  program.pass(20_000)
  expect(program.listed).toBe(expected)
})

test('D14, silent, and its line closes in the end: its grace counts from the silence', () => {
  const program = new Program()
  program.isAlive = false
  program.pass(13_000)
  expect(program.listed).toContain('s:abc')
  program.lose()
  program.pass(3000)
  expect(program.listed).toContain('s: ')
})

test('D14, its daemon stopped by SIGSTOP: that time counts against nobody, neither a silence, a ttl nor an illness', () => {
  const program = new Program()
  program.world.service(urlOf('d'), 'Unreachable')
  program.world.run(7000)
  program.pass(2000)
  program.world.pause('a', 15_000) // others would remove what asked for that after 20 s
  program.world.run(15_500)
  program.world.service(urlOf('d'), 'Healthy')
  program.pass(2000)
  agree(program.world)
  program.pass(8000)
  expect(program.listed).toBe(all)
})

test('D14, its daemon killed and started again: nothing is missing while the program comes back', () => {
  const program = new Program()
  program.world.service(urlOf('d'), 'Unreachable')
  program.pass(18_000) // ill for 13 s and more; a start counts anew
  program.world.crash('a')
  program.world.start('a')
  agree(program.world)
  program.world.service(urlOf('d'), 'Healthy')
  expect(program.listed).toBe(all)
  program.open()
  program.pass(40_000)
  expect(program.listed).toBe(all)
})

test.each([true, false])('D14, its daemon away for a minute; the program comes back: %s', (comesBack) => {
  const program = new Program()
  program.world.run(1500) // the note of its session goes to disk within a second
  program.world.vanish('a')
  program.pass(60_000)
  expect(program.listed).toBe('p: s: t: d:')
  const held = ids.map((id) => rows(program.world, 'b', id).join())
  expect(held).toEqual(['a#1 node dead', 'a#1 node dead', 'a#1 node dead', 'a#1 removed'])
  program.isAlive = comesBack
  program.world.start('a')
  agree(program.world)
  expect(program.listed).toBe('p:abc s:abc t:abc d:')
  if (comesBack) program.open()
  program.pass(40_000)
  expect(program.listed).toBe(comesBack ? 'p:abc s:abc t:abc d:' : 'p:abc s: t: d:')
})

test('D14, its node fenced while it lives: all comes back, and still ends as it would have', () => {
  const program = new Program()
  done(program.world, program.world.command('b', { type: 'remove-node', owner: 'a' }))
  program.pass(1000)
  agree(program.world)
  program.pass(20_000)
  expect(program.listed).toBe(all)
  program.kill()
  program.pass(35_000)
  expect(program.listed).toBe('p:abc s: t: d:')
})

test('D14, its node fenced while it is dead: a start brings all back, for as long as it would have had', () => {
  const program = new Program()
  program.world.run(1500)
  program.world.crash('a')
  program.world.run(10_000)
  done(program.world, program.world.command('b', { type: 'remove-node', owner: 'a' }))
  program.world.run(30_000)
  program.isAlive = false
  program.world.start('a')
  agree(program.world)
  program.pass(5000)
  expect(program.listed).toBe(all)
  program.pass(35_000)
  expect(program.listed).toBe('p:abc s: t: d:abc')
})

test('D14, a partition: at its home all stands; elsewhere it is hidden, and gone for good only where that was asked for', () => {
  const program = new Program()
  program.pass(62_000) // nobody has just started, so that the one that is cut off is in doubt
  program.world.partition(['a'], ['b', 'c'])
  program.pass(40_000)
  expect(program.listed).toBe('p:a s:a t:a d:a')
  program.world.heal()
  for (let i = 0; i < 20; i += 1) program.pass(2000)
  expect(program.listed).toBe('p:abc s:abc t:abc d:')
})

test('D14, registered while its node is cut off: what nobody knew was not left alone for that time', () => {
  const program = new Program()
  const { world } = program
  for (let cut = 1; cut <= 3; cut += 1) {
    world.partition(['a'], ['b', 'c'])
    program.pass(20_000)
    if (cut === 3) program.register('late', { deregisterAfter: '10s' })
    program.pass(1000)
    world.heal() // the third time it has to be heard for a while before it counts as alive, and its document comes at once
    agree(world)
  }
  program.pass(5000)
  expect(rows(world, 'b', 'late')).toEqual(['a#1'])
  world.crash('a')
  world.run(20_000)
  expect(rows(world, 'b', 'late')).toEqual(['a#1 removed'])
})

test('D14: who looks well again is not removed, though it has flapped and is shown as ill; nor who says so itself', () => {
  const world = cluster('ab')
  for (const id of 'xy') done(world, world.register('a', { id, slug: id, url: urlOf(id), deregisterAfter: '10s' }))
  done(world, world.command('a', { type: 'act', id: 'y', act: { type: 'status', status: 'Error' } }))
  for (let fall = 0; fall < 7; fall += 1) {
    world.service(urlOf('x'), 'Unreachable')
    world.run(5500)
    world.service(urlOf('x'), 'Healthy')
    world.until(() => shownStatus(world, 'a', 'x') === 'Healthy' || fall === 6, 60_000, 'its recovery')
  }
  world.run(12_000)
  expect(shownStatus(world, 'b', 'x')).toBe('Unreachable')
  world.run(60_000)
  expect([shownStatus(world, 'b', 'x'), shownStatus(world, 'b', 'y')]).toEqual(['Healthy', 'Error'])
})

test('D14: whoever sees less than half of the cluster removes nothing of the rest, however long that lasts', () => {
  const world = cluster('abc')
  done(world, world.register('b', { id: 'x', slug: 'x', url: urlOf('x'), deregisterAfter: '30s' }))
  agree(world)
  world.run(61_000)
  for (const name of 'bc') world.vanish(name) // to the one that is left it is as if it were cut off
  world.run(17 * 60_000)
  expect(world.machine('a').live.readiness().degraded).toBe(false) // it has got used to it
  expect(rows(world, 'a', 'x')).toEqual(['b#1 node dead'])
  for (const name of 'bc') world.start(name)
  agree(world)
  expect(showing(world, 'x')).toBe('abc')
  world.vanish('b')
  world.run(15_000)
  expect(rows(world, 'a', 'x')).toEqual(['b#1 node dead'])
  world.run(30_000)
  expect(rows(world, 'a', 'x')).toEqual(['b#1 removed'])
})

test('D14, killed behind a partition: what has ended there is nowhere once it heals', () => {
  const program = new Program()
  program.world.partition(['a'], ['b', 'c'])
  program.pass(2000)
  program.kill()
  program.pass(17_000)
  expect(program.listed).toMatch(/^p:a s: t: d:a?$/)
  program.world.heal()
  agree(program.world)
  expect(program.listed).toMatch(/^p:abc s: t: d:(abc)?$/)
  program.pass(20_000)
  expect(program.listed).toBe('p:abc s: t: d:')
})

test.each([-40, -1, 1, 40])(
  'D14, the wall clock of its node jumps by %i days: nothing ends, and nothing lasts longer',
  (days) => {
    const program = new Program()
    program.world.machine('a').wallOffset_ms += days * 86_400_000
    program.pass(40_000)
    expect(program.listed).toBe(all)
    program.kill()
    program.pass(6000)
    expect(program.listed).toBe('p:abc s: t:abc d:abc')
    program.pass(29_000)
    expect(program.listed).toBe('p:abc s: t: d:')
  },
)

test('D14, opened again elsewhere: a secret is known at its own daemon alone; what is registered there anew outlives its session here', () => {
  const program = new Program()
  const { world } = program
  program.lose()
  const again = { type: 'open-session', secret: 's', line: 77, isNew: false } as const
  expect(refused(world, world.command('b', again))).toBe('not-found')
  program.open(true, 'at-b', 'b')
  program.register('s', { lifetime: 'session', session: 'at-b' }, 'b')
  for (let i = 0; i < 5; i += 1) {
    world.command('b', { type: 'hear-session', id: program.session, secret: 'at-b' })
    world.run(2000)
    expect(showing(world, 's')).toBe('abc')
  }
  world.crash('a')
  world.start('a')
  agree(world)
  expect(rows(world, 'a', 's')).toEqual(['b#2'])
})

test('D14, the same id in two sessions at two nodes: the later one holds it, and its end is the end of it', () => {
  const program = new Program()
  const { world } = program
  program.open(true, 'at-b', 'b')
  program.register('s', { lifetime: 'session', session: 'at-b' }, 'b')
  done(world, world.command('b', { type: 'end-session', id: program.session, secret: 'at-b' }))
  world.run(1000)
  expect(program.listed).toBe('p:abc s: t:abc d:abc')
  world.crash('b')
  world.start('b')
  agree(world)
  expect(showing(world, 's')).toBe('')
})

test('D14, a ttl in maintenance: renewing keeps it hidden, and not renewed it goes as well', () => {
  const program = new Program()
  const { world } = program
  for (const id of 'ts')
    done(world, world.command('b', { type: 'act', id, act: { type: 'maintenance', reason: 'so' } }))
  program.pass(20_000)
  expect(program.listed).toBe('p:abc s: t: d:abc')
  expect([rows(world, 'b', 't'), rows(world, 'b', 's')]).toEqual([
    ['a#1 in maintenance: so'],
    ['a#1 in maintenance: so'],
  ])
  program.kill()
  program.pass(17_000)
  expect([rows(world, 'b', 't'), rows(world, 'b', 's')]).toEqual([[], []])
})

test('D14, deregistered while lost: opened again in time it is not there; registered again it is', () => {
  const program = new Program()
  const { world } = program
  program.lose()
  world.run(1000)
  done(world, world.deregister('c', 's'))
  program.open()
  program.pass(8000)
  expect(program.listed).toBe('p:abc s: t:abc d:abc')
  program.register('s')
  program.pass(8000)
  expect(program.listed).toBe(all)
})

test('D14, opened again after its grace: it is told so, and registers anew at once', () => {
  const program = new Program()
  const { world } = program
  program.lose()
  world.run(6000)
  const again = { type: 'open-session', secret: 's', line: 77, isNew: false } as const
  expect(refused(world, world.command('a', again))).toBe('not-found')
  expect(refused(world, world.command('a', { type: 'hear-session', id: program.session, secret: 's' }))).toBe(
    'not-found',
  )
  program.open(true)
  program.register('s')
  program.pass(12_000)
  expect(program.listed).toBe('p:abc s:abc t:abc d:abc')
  expect(rows(world, 'b', 's')).toEqual(['a#2'])
})

test('D14: what has ended by itself leaves nothing behind, in no document, whatever it lived by', () => {
  const program = new Program()
  const { world } = program
  const entries = (): number => world.machine('a').live.toJSON().entries
  const before = entries()
  program.kill()
  program.pass(35_000)
  expect(entries()).toBe(before - 3)
  expect(digestsOf(world).size).toBe(1)
})

function digestsOf(world: World): Set<string> {
  agree(world)
  return world.digests()
}
