// The checks of one daemon's own instances with plain data: thresholds, what instances say themselves, suspicions, kept connections.
import { beforeEach, describe, expect, test } from 'vitest'
import { type CheckForm, parseCheck } from '../../src/core/model/check.js'
import { Entries } from '../../src/core/document/entries.js'
import type { CheckResult, Effect } from '../../src/core/effects.js'
import {
  type InstanceRecord,
  type InstanceStatus,
  parseRegistration,
  type Registration,
} from '../../src/core/model/model.js'
import { HealthChecks } from '../../src/core/own/health-checks.js'
import { Records } from '../../src/core/records/records.js'
import { Signatures } from '../../src/core/wire/head.js'
import { cheapCrypto } from '../sim/crypto.js'

const self = 'A'
const tick_ms = 100
let records: Records
let checks: HealthChecks
let now = 0
/** What a check finds, by instance; `silent` answers nothing. */
let finds: Map<string, InstanceStatus | 'silent'>
let effects: Effect[]
let statusWrites: string[]

beforeEach(() => {
  now = 0
  finds = new Map()
  effects = []
  statusWrites = []
  const crypto = cheapCrypto(self)
  records = new Records(self, new Entries(crypto.hash), new Signatures(crypto))
  checks = new HealthChecks(records)
})

const record = (id = 'x'): InstanceRecord => records.union.records(id).get(self) as InstanceRecord
const status = (id = 'x'): InstanceStatus => record(id).status
const asked = (): number => effects.filter(({ type }) => type === 'check').length
const lines = (): string[] =>
  effects.map(({ type }) => type).filter((type) => type === 'keep-open' || type === 'let-go')

/** Does what is asked for, at once. */
function perform(begun: readonly Effect[]): void {
  for (const effect of begun) {
    effects.push(effect)
    if (effect.type !== 'check') continue
    const found = finds.get(effect.id) ?? 'Healthy'
    if (found !== 'silent') answer(effect.id, { status: found })
  }
  settle()
}

function answer(id: string, result: CheckResult): void {
  perform(checks.checked(id, record(id).n, result, now))
}

function settle(): void {
  const { instances } = records.takeTouched()
  for (const id of instances) if (record(id) !== undefined) statusWrites.push(status(id))
  const begun = checks.follow(instances, now)
  if (begun.length > 0) perform(begun)
}

function run(duration_ms: number): void {
  for (const end = now + duration_ms; now < end;) {
    now += tick_ms
    perform(checks.tick(now))
  }
}

function register(check: unknown, { id = 'x', n = 1 } = {}): void {
  const form: CheckForm = parseCheck(check, 'check').form
  records.stage('instances', id, { id, url: `http://10.0.0.1:80/${id}`, n, status: 'Unknown', check: form })
  perform(checks.check(id, now))
}

describe('thresholds', () => {
  test('bad news goes at once, good news after as many as were asked for, by the table of pauses', () => {
    register({ tcp: {}, successThreshold: 3 })
    expect(status()).toBe('Unknown')
    run(2900)
    expect(status()).toBe('Unknown')
    run(300)
    expect(status()).toBe('Healthy')
    finds.set('x', 'Unreachable')
    run(5000)
    expect(status()).toBe('Unreachable')
  })

  test('failures count in a row', () => {
    register({ tcp: {}, failureThreshold: 3, interval: '1s' })
    for (const found of ['Error', 'Error', 'Healthy', 'Error', 'Error'] as const) {
      answer('x', { status: found })
      expect(status()).toBe('Healthy')
    }
    answer('x', { status: 'Error' })
    expect(status()).toBe('Error')
  })

  test('in its start period what was never well is not ill, but is asked on', () => {
    finds.set('x', 'Unreachable')
    register({ tcp: {}, startPeriod: '20s' })
    run(15_000)
    expect(status()).toBe('Unknown')
    expect(asked()).toBeGreaterThan(4)
    run(12_000)
    expect(status()).toBe('Unreachable')
  })

  test('once it was well, a start period excuses nothing', () => {
    register({ tcp: {}, startPeriod: '1m', interval: '1s' })
    finds.set('x', 'Error')
    run(1100)
    expect(status()).toBe('Error')
  })

  test('time in which this daemon slept excuses the start, and what was said for a time', () => {
    finds.set('x', 'Unreachable')
    register({ tcp: {}, startPeriod: '5s' })
    register('reported', { id: 'y' })
    perform(checks.tell('y', { status: 'Healthy', for_ms: 5000 }, now))
    checks.forgive(60_000)
    now += 60_000
    run(2000)
    expect([status(), status('y')]).toEqual(['Unknown', 'Healthy'])
    run(10_000)
    expect([status(), status('y')]).toEqual(['Unreachable', 'Unknown'])
  })

  test('an interval of an hour costs a check an hour, one of half a second two a second', () => {
    register({ tcp: {}, interval: '1h' }, { id: 'slow' })
    register({ tcp: {}, interval: '500ms' }, { id: 'quick' })
    effects = []
    run(60_000)
    const of = (id: string): number => effects.filter((effect) => effect.type === 'check' && effect.id === id).length
    expect(of('slow')).toBeLessThanOrEqual(1)
    expect(of('quick')).toBeGreaterThanOrEqual(115)
    expect(of('quick')).toBeLessThanOrEqual(121)
  })
})

test('those that nobody answers for keep no other one waiting', () => {
  for (let i = 0; i < 1000; i++) {
    finds.set(`silent ${i}`, 'silent')
    register({ tcp: {}, timeout: '1m' }, { id: `silent ${i}` })
  }
  register('tcp', { id: 'well' })
  run(3000)
  expect([asked(), status('well')]).toEqual([1001, 'Healthy'])
})

describe('a service that falls ill again and again', () => {
  test('has to stay well for twice as long each time, and is written as often as its status changes', () => {
    register({ tcp: {}, interval: '500ms' })
    const took = [1, 2, 3, 4, 5].map(() => {
      finds.set('x', 'Error')
      run(600)
      expect(status()).toBe('Error')
      finds.set('x', 'Healthy')
      const from = now
      while (status() !== 'Healthy') run(tick_ms)
      return now - from
    })
    took.forEach((took_ms, k) => {
      expect(took_ms).toBeGreaterThanOrEqual(500 * 2 ** k)
      expect(took_ms).toBeLessThanOrEqual(500 * 2 ** k + 800)
    })
    expect(statusWrites.filter((each, i) => each === statusWrites[i - 1])).toEqual(['Unknown'].slice(1))
    expect(record().details).toBeUndefined()
  })

  test('says so in words that do not change', () => {
    register('tcp')
    answer('x', { status: 'Error', details: 'it said 500' })
    expect(record().details).toBe('it said 500')
    answer('x', { status: 'Healthy' })
    run(2000)
    answer('x', { status: 'Error', details: 'it said 500' })
    expect(record().details).toMatch(/^it said 500; it flaps/)
    expect(checks.recovering('x')).toBeUndefined()
    answer('x', { status: 'Healthy' })
    expect(checks.recovering('x')).toMatch(/^recovering: /)
  })

  test('is not excused by registering anew, and is after ten minutes', () => {
    register('tcp')
    for (let i = 0; i < 4; i++) {
      answer('x', { status: 'Error' })
      run(8000)
    }
    answer('x', { status: 'Error' })
    records.stage('instances', 'x', undefined)
    settle()
    register('tcp', { n: 7 })
    expect(status()).toBe('Unknown')
    run(9000)
    expect(status()).toBe('Healthy')
    run(600_000)
    answer('x', { status: 'Error' })
    run(2000)
    expect(status()).toBe('Healthy')
  })
})

test('who was never well has not fallen ill, whatever kind of ill it is', () => {
  register('tcp')
  finds.set('x', 'Unreachable')
  run(5000)
  for (const found of ['Error', 'Unreachable', 'Error', 'Unreachable'] as const) {
    finds.set('x', found)
    run(30_000)
  }
  expect([status(), record().details]).toEqual(['Unreachable', undefined])
})

test('what proves who asks goes to nobody else', () => {
  const headers = (): unknown => effects.findLast((effect) => effect.type === 'check')?.headers
  const registration = (url: string, said: object = {}): Registration =>
    parseRegistration({ url, slug: 's', ...said }, 'own')
  const said = registration('http://10.0.0.1:80/x', { check: { http: { headers: { 'x-key': 'secret' } } } })
  const keep = (said: Registration): void => checks.keepSecrets('x', checks.secretsAfter('x', said, undefined))
  keep(said)
  register({ http: { headers: { 'x-key': 'secret' } } })
  expect(headers()).toEqual({ 'x-key': 'secret' })
  checks.secretsAfter('x', registration('http://10.0.0.2:80/x'), 'of:one-that-is-refused')
  expect(checks.takeSecrets()).toContain('secret')
  expect(checks.takeSecrets()).toBeUndefined()
  keep(registration('http://10.0.0.1:80/other'))
  run(5000)
  expect(headers()).toEqual({ 'x-key': 'secret' })
  keep(registration('http://10.0.0.2:80/x'))
  run(5000)
  expect(headers()).toBeUndefined()
})

describe('what an instance says of itself', () => {
  const order: readonly InstanceStatus[] = ['Healthy', 'Degraded', 'Unknown', 'Error', 'Unreachable']

  test.each(order.flatMap((told) => order.map((found) => [told, found] as const)))(
    'told %s and found %s is the worse of both',
    (told, found) => {
      finds.set('x', found)
      register('tcp')
      perform(checks.tell('x', { status: told }, now))
      run(10_000)
      expect(status()).toBe(order[Math.max(order.indexOf(told), order.indexOf(found))])
    },
  )

  test('ends by its time, by something else, and by being forgotten', () => {
    register('none')
    expect(status()).toBe('Healthy')
    perform(checks.tell('x', { status: 'Degraded', details: 'queue is long', for_ms: 3000 }, now))
    expect(record()).toMatchObject({ status: 'Degraded', details: 'queue is long' })
    run(3000 + 1000)
    expect(record().details).toBeUndefined()
    expect(status()).toBe('Healthy')
    perform(checks.tell('x', { status: 'Error' }, now))
    perform(checks.tell('x', { status: 'Healthy' }, now))
    run(1500)
    expect(status()).toBe('Healthy')
    perform(checks.tell('x', { status: 'Error' }, now))
    perform(checks.forgetTold('x', now))
    run(2500)
    expect(status()).toBe('Healthy')
  })

  test('alone counts where it reports: unknown until told, and nobody asks', () => {
    register('reported')
    expect(status()).toBe('Unknown')
    perform(checks.tell('x', { status: 'Healthy', for_ms: 10_000 }, now))
    expect(status()).toBe('Healthy')
    run(9000)
    expect(status()).toBe('Healthy')
    run(1100)
    expect(status()).toBe('Unknown')
    expect(asked()).toBe(0)
  })

  test('to an earlier run stands for half a minute, so that a restart leaves no gap', () => {
    records.stage('instances', 'x', { id: 'x', url: 'http://10.0.0.1:80', n: 3, status: 'Healthy', check: 'reported' })
    perform(checks.checkAll(now))
    run(29_000)
    expect(status()).toBe('Healthy')
    run(1500)
    expect(status()).toBe('Unknown')
  })

  test('is refused for what is not at home here', () => {
    expect(() => checks.tell('z', { status: 'Healthy' }, now)).toThrow(/no instance "z"/)
  })
})

test('while what it lives with is over it is unreachable, whatever is found or told; afterwards nothing has changed', () => {
  register({ tcp: {}, interval: '1s' })
  perform(checks.setOver('x', 'its session is lost', now))
  run(5000)
  perform(checks.tell('x', { status: 'Degraded' }, now))
  expect(record()).toMatchObject({ status: 'Unreachable', details: 'its session is lost' })
  perform(checks.tell('x', { status: 'Healthy' }, now))
  run(1000)
  effects = []
  perform(checks.setOver('x', undefined, now))
  expect(record().details).toBeUndefined()
  expect([status(), asked()]).toEqual(['Healthy', 1])
})

describe('suspicions', () => {
  const suspect = (id: string, caller = 'c', through?: string): boolean => {
    const said = { caller, ...(through !== undefined && { through }) }
    const { isChecked, effects: begun } = checks.suspect(id, said, now)
    perform(begun)
    return isChecked
  }

  test('are looked into at once, at most once a second for an instance', () => {
    register('tcp')
    effects = []
    finds.set('x', 'Unreachable')
    expect([suspect('x'), suspect('x', 'd'), asked(), status()]).toEqual([true, false, 1, 'Unreachable'])
    now += 1000
    expect(suspect('x')).toBe(true)
  })

  test('join a check that is under way, which is done once more: it may have asked before', () => {
    finds.set('x', 'silent')
    register('tcp')
    now += 1
    expect([suspect('x'), suspect('x'), asked()]).toEqual([true, true, 1])
    answer('x', { status: 'Healthy' })
    expect(asked()).toBe(2)
    answer('x', { status: 'Unreachable' })
    expect([asked(), status()]).toEqual([2, 'Unreachable'])
  })

  test('are ten a second of one caller, and fifty in all', () => {
    for (let i = 0; i < 80; i++) register('tcp', { id: `i${i}` })
    const taken = (caller: string, from: number): number =>
      Array.from({ length: 20 }, (_, i) => suspect(`i${from + i}`, caller)).filter(Boolean).length
    expect([taken('a', 0), taken('b', 20), taken('c', 40), taken('d', 60)]).toEqual([10, 10, 10, 10])
    expect(Array.from({ length: 20 }, (_, i) => suspect(`i${10 + i}`, `e${i}`)).filter(Boolean).length).toBe(10)
  })

  test('are twenty-five a second through one peer, however many callers it names', () => {
    for (let i = 0; i < 80; i++) register('tcp', { id: `i${i}` })
    const taken = (from: number, through?: string): number =>
      Array.from({ length: 30 }, (_, i) => suspect(`i${from + i}`, `c${i}`, through)).filter(Boolean).length
    expect([taken(0, 'liar'), taken(30, 'b')]).toEqual([25, 25])
    now += 1000
    expect([taken(0, 'liar'), taken(30)]).toEqual([25, 25])
  })

  test('of what is not here, or asked by nobody, do nothing', () => {
    register('reported')
    expect([suspect('x'), suspect('y')]).toEqual([false, false])
  })
})

describe('a connection that is kept open', () => {
  const keepOpen = { tcp: {}, keepOpen: true }
  const closed = (): void => perform(checks.lineNews('x', 1, 'closed', now))

  test('is asked for once it is well; its end is looked into at once', () => {
    finds.set('x', 'Unreachable')
    register(keepOpen)
    expect(lines()).toEqual([])
    finds.set('x', 'Healthy')
    run(1200)
    expect(lines()).toEqual(['keep-open'])
    finds.set('x', 'Unreachable')
    effects = []
    closed()
    expect([status(), asked(), lines()]).toEqual(['Unreachable', 1, []])
    finds.set('x', 'Healthy')
    run(3000)
    expect(lines()).toEqual(['keep-open'])
  })

  test('that the server closes is no event, and is made again ever more rarely, up to once a minute', () => {
    register(keepOpen)
    const writes = statusWrites.length
    const at: number[] = []
    for (let i = 0; i < 9; i++) {
      const before = lines().length
      closed()
      while (lines().length === before) run(tick_ms)
      at.push(now)
      run(5000)
    }
    const waits = at.slice(1).map((each, i) => Math.round((each - (at[i] as number) - 5000) / 1000))
    expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60, 60])
    expect([status(), statusWrites.length]).toEqual(['Healthy', writes])
  })

  test('beside which nobody is answered is in the way, and made again ever more rarely, up to once an hour', () => {
    const waits: number[] = []
    register(keepOpen)
    for (let i = 0; i < 5; i++) {
      const [end] = [lines().length, finds.set('x', 'Unreachable')]
      while (lines().length === end) run(tick_ms)
      finds.set('x', 'Healthy')
      const since = now
      while (lines().length === end + 1) run(tick_ms)
      waits.push(Math.round((now - since) / 60_000))
    }
    expect(waits).toEqual([1, 4, 16, 60, 60])
  })

  test('costs nothing while it is not wanted', () => {
    register(keepOpen)
    records.stage('instances', 'x', { ...record(), maintenance: 'repair' })
    settle()
    effects = []
    run(60_000)
    expect([lines(), asked()]).toEqual([[], 12])
  })

  test('that says many things at once is looked into once more, and not later for that', () => {
    register({ ...keepOpen, interval: '1h' })
    effects = []
    for (let i = 0; i < 20; i++) perform(checks.lineNews('x', 1, 'changed', now))
    run(1200)
    const before = asked()
    perform(checks.lineNews('x', 1, 'changed', now))
    run(1200)
    expect([before, asked()]).toEqual([2, 3])
  })

  test('that lived for a minute is made again soon', () => {
    register(keepOpen)
    for (let i = 0; i < 5; i++) {
      run(61_000)
      closed()
    }
    run(1200)
    expect(lines().at(-1)).toBe('keep-open')
    expect(lines()).toHaveLength(6)
  })

  test.each([
    ['is in maintenance', () => records.stage('instances', 'x', { ...record(), maintenance: 'stops' })],
    ['is gone', () => records.stage('instances', 'x', undefined)],
  ])('is let go when it %s', (_, act) => {
    register(keepOpen)
    act()
    settle()
    expect(lines()).toEqual(['keep-open', 'let-go'])
    run(10_000)
    expect(lines()).toEqual(['keep-open', 'let-go'])
  })

  test('follows an instance that is registered anew', () => {
    register(keepOpen)
    register(keepOpen, { n: 2 })
    expect(lines()).toEqual(['keep-open', 'let-go', 'keep-open'])
    closed() // of the one before
    expect(effects.at(-1)).toMatchObject({ type: 'keep-open', n: 2 })
  })

  test('whose end comes during a check has it done once more', () => {
    register(keepOpen)
    finds.set('x', 'silent')
    perform(checks.check('x', now))
    now += 5
    closed()
    effects = []
    finds.set('x', 'Unreachable')
    answer('x', { status: 'Healthy' }) // it was asked before the end
    expect([asked(), status()]).toEqual([1, 'Unreachable'])
  })

  test('for a reason of ours costs no check', () => {
    register(keepOpen)
    effects = []
    perform(checks.lineNews('x', 1, 'ours', now))
    run(4000)
    expect(lines()).toEqual([])
    run(60_000)
    expect(lines()).toEqual(['keep-open'])
  })

  test('says that something changed: checked at once, and not more than once a second', () => {
    register(keepOpen)
    effects = []
    for (let i = 0; i < 20; i++) {
      perform(checks.lineNews('x', 1, 'changed', now))
      run(tick_ms)
    }
    expect(asked()).toBeGreaterThanOrEqual(2)
    expect(asked()).toBeLessThanOrEqual(4)
  })

  test('is not kept unless it is asked for', () => {
    register('tcp')
    run(10_000)
    expect(lines()).toEqual([])
  })
})
