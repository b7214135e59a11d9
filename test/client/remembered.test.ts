// What a caller remembers of services, and when he lets go of it. In virtual time.
import { afterEach, expect, test, vi } from 'vitest'
import { Choices, type ChoicesOptions } from '../../src/client/choice.js'
import type { Calls } from '../../src/client/call.js'
import { slugLimit } from '../../src/client/fetching/fetching.js'
import type { Following } from '../../src/client/lists.js'
import type { Listed } from '../../src/core/lookup/chooser.js'
import { Surroundings } from '../../src/client/surroundings.js'
import { RegistryError } from '../../src/core/model/errors.js'
import type { InstanceView, LookupResult } from '../../src/core/views.js'
import { sourceOf } from '../../src/node/source.js'
import { World, passing, useVirtualTime } from './world.js'

useVirtualTime()
afterEach(() => void vi.unstubAllGlobals())

const at = (id: string, url = `http://${id}.test:80`): InstanceView => ({ id, url, status: 'Healthy' })
const listOf = (slug: string, ...instances: InstanceView[]): LookupResult => ({ slug, instances, degraded: false })

interface Watched {
  readonly choices: Choices
  /** What is followed at present. */
  readonly followed: Map<string, Following>
}

function watched(lookup: ChoicesOptions['lookup']): Watched {
  const followed = new Map<string, Following>()
  const choices = new Choices({
    lookup,
    async follow(slug, following) {
      followed.set(slug, following)
      await new Promise<void>((resolve) => following.signal.addEventListener('abort', () => resolve()))
      followed.delete(slug)
    },
  })
  return { choices, followed }
}

async function pickMany(choices: Choices, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await choices.pick(`other ${i}`)
}

test('of more services than are remembered the one that was not picked for longest is followed no more', async () => {
  const { choices, followed } = watched((slug) => Promise.resolve(listOf(slug, at('a'))))
  await choices.pick('kept')
  await choices.pick('dropped')
  await pickMany(choices, slugLimit - 2)
  await choices.pick('kept')
  expect([followed.has('kept'), followed.has('dropped')]).toEqual([true, true])
  await choices.pick('one more')
  await vi.advanceTimersByTimeAsync(0)
  expect([followed.has('kept'), followed.has('dropped')]).toEqual([true, false])
})

test('one that made room while it was asked for is not followed afterwards', async () => {
  let answer = (_: LookupResult): void => undefined
  const { choices, followed } = watched((slug) =>
    slug === 'slow'
      ? new Promise<LookupResult>((resolve) => (answer = resolve))
      : Promise.resolve(listOf(slug, at('a'))),
  )
  const picked = choices.pick('slow')
  await pickMany(choices, slugLimit)
  answer(listOf('slow', at('b')))
  expect((await picked)?.id).toBe('b')
  expect(followed.has('slow')).toBe(false)
})

test('what a daemon refuses to tell is not told from before, though it is watched; until it is allowed again', async () => {
  let answer: () => Promise<LookupResult> = () => Promise.resolve(listOf('web', at('a')))
  const { choices, followed } = watched(() => answer())
  expect((await choices.pick('web'))?.id).toBe('a')
  await vi.advanceTimersByTimeAsync(1500)
  let refuse = (_: Error): void => undefined
  answer = () => new Promise((_, reject) => (refuse = reject))
  expect((await choices.pick('web'))?.id).toBe('a') // asked anew behind the scenes
  followed.get('web')?.onList({ ...listOf('web', at('b')), position: '1' })
  expect((await choices.pick('web'))?.id).toBe('b')
  refuse(new RegistryError('forbidden', 'no more'))
  await vi.advanceTimersByTimeAsync(0)
  answer = () => Promise.reject(new RegistryError('forbidden', 'no more'))
  await expect(choices.pick('web')).rejects.toThrow('no more')
  answer = () => Promise.resolve(listOf('web', at('c')))
  expect((await choices.pick('web'))?.id).toBe('c')
})

test('of more services than are remembered what came of calls goes of the one that was not called for longest', () => {
  const { fetching, listed } = new World(['a', 'b', 'c'], () => 'hang')
  const leavesOut = (slug: string): boolean =>
    fetching.considered(slug, listed as Listed<InstanceView>).pools[0]?.avoided?.has('b') === true
  leavesOut('kept')
  leavesOut('dropped')
  fetching.suspected('b')
  for (let i = 0; i < slugLimit - 2; i += 1) leavesOut(`other ${i}`)
  expect(leavesOut('kept')).toBe(true)
  leavesOut('one more')
  expect([leavesOut('kept'), leavesOut('dropped')]).toEqual([true, false])
})

test('who is suspected stays left out whatever else of the service is called, by whichever protocol', async () => {
  const instances = [at('a'), at('b'), at('c', 'tcp://c.test:90'), at('d', 'tcp://d.test:90')]
  const choices = new Choices({ lookup: (slug) => Promise.resolve(listOf(slug, ...instances)) })
  const { fetch } = choices.calling({} as Calls, () => Promise.resolve(new Response()))
  await choices.pick('web')
  choices.suspected('c')
  const picked = new Set<string | undefined>()
  for (let i = 0; i < 12; i += 1) {
    await passing(fetch('rollcall://web/'))
    picked.add((await choices.pick('web'))?.id)
  }
  expect([...picked].sort()).toEqual(['a', 'b', 'd'])
})

test('a call that outlives its node does its program no harm', async () => {
  const unhandled: unknown[] = []
  const note = (why: unknown): void => void unhandled.push(why)
  process.on('unhandledRejection', note)
  try {
    const gone = (): never => {
      throw new RegistryError('unavailable', 'the node has stopped')
    }
    sourceOf(gone).suspect('a')
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', note)
  }
})

test("a listener that throws is nobody else's trouble: who picks gets what was known", async () => {
  const thrown: (() => void)[] = []
  vi.stubGlobal('queueMicrotask', (run: () => void) => thrown.push(run))
  let answer: () => Promise<LookupResult> = () => Promise.resolve(listOf('web', at('a')))
  const choices = new Choices({
    lookup: () => answer(),
    onOutage: () => {
      throw new Error('of the listener')
    },
  })
  expect((await choices.pick('web'))?.id).toBe('a')
  answer = () => Promise.reject(new RegistryError('unavailable', 'gone'))
  await vi.advanceTimersByTimeAsync(6000)
  expect((await choices.pick('web'))?.id).toBe('a')
  answer = () => Promise.resolve(listOf('web', at('b')))
  await vi.advanceTimersByTimeAsync(6000)
  expect((await choices.pick('web'))?.id).toBe('b')
  expect(thrown).toHaveLength(2)
  expect(thrown[0]).toThrow('of the listener')
})

test('where a daemon refuses to say where it stands picks by that are refused, alike; where none answers they do without', async () => {
  let failure = new RegistryError('forbidden', 'members: not for you')
  let asked = 0
  const ask = (): Promise<never> => {
    asked += 1
    return Promise.reject(failure)
  }
  const surroundings = new Surroundings({ selfNode: ask, members: ask, now: () => performance.now() })
  for (let i = 0; i < 3; i += 1) await expect(surroundings.prepare({ prefer: 'zone' })).rejects.toThrow('not for you')
  expect(asked).toBe(1)
  failure = new RegistryError('unavailable', 'gone')
  await vi.advanceTimersByTimeAsync(6000)
  for (let i = 0; i < 3; i += 1) await surroundings.prepare({ prefer: 'zone' })
  expect([asked, surroundings.here()]).toEqual([2, {}])
})
