// Whose turn it is: even, whatever comes and goes between two picks, whoever looks meanwhile, and without a memory of what is gone.
import { expect, test } from 'vitest'
import { Choices, age_ms } from '../../src/client/choice.js'
import { Rotation } from '../../src/core/lookup/rotation.js'
import { Reach } from '../../src/core/lookup/reach.js'
import { Index } from '../../src/core/lookup/slugs.js'
import { Visibility } from '../../src/core/lookup/visibility.js'
import type { InstanceStatus } from '../../src/core/model/model.js'
import { writeEntry } from '../../src/core/records/kinds.js'
import { Union } from '../../src/core/records/union.js'
import type { InstanceView } from '../../src/core/views.js'
import { Signatures } from '../../src/core/wire/head.js'
import { cheapCrypto } from '../sim/crypto.js'
import { Random } from '../sim/random.js'

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
/** χ² of seven degrees of freedom: what chance alone exceeds once in a hundred times. */
const improbable = 18.48

/** How far what was picked is from an equal share for each that could be, pick by pick. */
class Spread {
  readonly picked = new Map<string, number>()
  readonly #due = new Map<string, number>()

  note(choice: readonly string[], id: string | undefined): void {
    expect(choice).toContain(id)
    this.picked.set(id as string, (this.picked.get(id as string) ?? 0) + 1)
    for (const one of choice) this.#due.set(one, (this.#due.get(one) ?? 0) + 1 / choice.length)
  }

  get chiSquare(): number {
    return [...this.#due].reduce((sum, [id, due]) => sum + ((this.picked.get(id) ?? 0) - due) ** 2 / due, 0)
  }
}

/** An index over instances of one daemon that all have the slug `web`. */
function table() {
  const union = new Union(new Signatures(cheapCrypto('me')))
  const index = new Index(union, new Visibility('me'), { self: 'me', seed: 0, reach: new Reach() })
  const change = (id: string, after: string | undefined): void => {
    union.apply('me', [{ map: 'instances', key: id, ...(after !== undefined && { after }) }])
    index.refresh(id)
  }
  const put = (id: string, more: { n?: number; status?: InstanceStatus; slug?: string } = {}): void => {
    const record = { id, url: `http://${id}.test`, slug: 'web', n: 1, status: 'Healthy' as const, ...more }
    change(id, writeEntry('instances', record))
  }
  return { index, put, drop: (id: string) => change(id, undefined) }
}

test('a listing that changes before each pick does not begin anew', () => {
  const { index, put } = table()
  for (const id of ids) put(id)
  const picked = Array.from({ length: 16 }, (_, i) => {
    put('a', { n: i + 2 })
    return index.pick('web', false)?.record.id
  })
  expect(picked.slice(0, 8).sort()).toEqual(ids)
  expect(picked.slice(8)).toEqual(picked.slice(0, 8))
})

test('after one that is gone comes the one that came after it', () => {
  const { index, put, drop } = table()
  for (const id of ids) put(id)
  while (index.pick('web', false)?.record.id !== 'd');
  drop('d')
  expect(index.pick('web', false)?.record.id).toBe('e')
  put('d')
  put('ee')
  expect(index.pick('web', false)?.record.id).toBe('ee')
  for (const id of ['f', 'g', 'h']) put(id, { status: 'Unreachable' })
  expect(index.pick('web', false)?.record.id).toBe('a')
})

test.each([1, 2, 3, 4])('instances come and go, and each that is there gets its share (seed %i)', (seed) => {
  const { index, put, drop } = table()
  const random = new Random(seed)
  const there = new Set<string>()
  const [picks, suggestions] = [new Spread(), new Spread()]
  for (const id of ids) there.add(id)
  for (const id of there) put(id)
  for (let i = 0; i < 2000; i++) {
    if (random.chance(0.5)) {
      const id = random.pick(ids)
      if (there.has(id) && there.size > 2) {
        there.delete(id)
        drop(id)
      } else {
        there.add(id)
        put(id, { n: i + 2 })
      }
    }
    const choice = [...there]
    if (random.chance(0.3)) suggestions.note(choice, index.suggest('web', false)?.record.id)
    picks.note(choice, index.pick('web', i % 100 < 10)?.record.id)
  }
  expect(picks.chiSquare).toBeLessThan(improbable)
  expect(suggestions.chiSquare).toBeLessThan(improbable)
})

test('whoever only looks moves nobody’s pick', () => {
  const { index, put } = table()
  for (const id of ['a', 'b']) put(id)
  const picked = Array.from({ length: 8 }, () => {
    index.lookup('web', false)
    index.suggest('web', false)
    index.version('web', false)
    return index.pick('web', false)?.record.id
  })
  expect(picked.filter((id) => id === 'a')).toHaveLength(4)
})

test('all of a service go and come again before each pick, several services alike: still each gets its share', () => {
  const { index, put, drop } = table()
  const spreads = new Map(['x', 'y'].map((slug) => [slug, new Spread()]))
  for (let i = 0; i < 1000; i++) {
    for (const [slug, spread] of spreads) {
      const those = ['1', '2'].map((id) => `${slug}${id}`)
      for (const id of those) put(id, { slug })
      spread.note(those, index.pick(slug, false)?.record.id)
      for (const id of those) drop(id)
    }
  }
  for (const { chiSquare } of spreads.values()) expect(chiSquare).toBeLessThan(6.63)
})

test('no place is kept of what is gone', () => {
  const turns = new Rotation(0)
  for (let i = 0; i < 100; i++)
    turns.next(`slug ${i}`, { ids, weights: new Float64Array(ids.length).fill(1), even: true })
  expect(turns.size).toBe(100)
  for (let i = 0; i < 100; i++) turns.forget(`slug ${i}`)
  expect(turns.size).toBe(0)
})

test.each([1, 2, 3])('a client spreads over what comes and goes between its questions (seed %i)', async (seed) => {
  const random = new Random(seed)
  const there = new Set(ids)
  let now = 0
  const choices = new Choices({
    lookup: (slug) => {
      const instances = [...there]
        .sort()
        .map((id): InstanceView => ({ id, url: `http://${id}.test`, status: 'Healthy' }))
      return Promise.resolve({ slug, instances, degraded: false })
    },
    now: () => now,
  })
  const spread = new Spread()
  for (let i = 0; i < 2000; i++) {
    const id = random.pick(ids)
    if (there.has(id) && there.size > 2) there.delete(id)
    else there.add(id)
    now += age_ms.kept + 1
    spread.note([...there], (await choices.pick('web'))?.id)
  }
  expect(spread.chiSquare).toBeLessThan(improbable)
})
