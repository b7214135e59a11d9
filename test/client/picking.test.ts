// Picks of a client beside its calls: what `fetch` has left out, and what a caller suspects, is not picked either. In virtual time.
import { expect, test } from 'vitest'
import type { Calls } from '../../src/client/call.js'
import { Choices } from '../../src/client/choice.js'
import { RegistryError } from '../../src/core/model/errors.js'
import type { InstanceView, LookupResult } from '../../src/core/views.js'
import { passing, systemError, useVirtualTime } from './world.js'

useVirtualTime()

interface Asked {
  readonly choices: Choices
  readonly fetch: typeof fetch
  readonly lookups: unknown[]
  readonly suspected: string[]
}

/** Instances of `web`, of which those do not answer. */
function picking(ids: string, isDown: (id: string) => boolean = () => false): Asked {
  const lookups: unknown[] = []
  const suspected: string[] = []
  const instances = [...ids].map((id): InstanceView => ({ id, url: `http://${id}.test:80`, status: 'Healthy' }))
  const choices = new Choices({
    lookup: (slug, options): Promise<LookupResult | undefined> => {
      lookups.push(options?.maxAge)
      if (options?.maxAge === '1ms') return Promise.reject(new RegistryError('unavailable', 'maxAge: too old'))
      return Promise.resolve(slug === 'web' ? { slug, instances, degraded: false } : undefined)
    },
    suspect: (id) => Promise.resolve(suspected.push(id)),
  })
  const { fetch } = choices.calling({} as Calls, (input) =>
    isDown(new URL(input as string).hostname[0] as string)
      ? Promise.reject(systemError('ECONNREFUSED'))
      : Promise.resolve(new Response()),
  )
  return { choices, fetch, lookups, suspected }
}

async function picked(choices: Choices): Promise<string> {
  const ids = new Set<string | undefined>()
  for (let i = 0; i < 20; i += 1) ids.add((await choices.pick('web'))?.id)
  return [...ids].sort().join('')
}

test('what fetch has left out is not picked either', async () => {
  const { choices, fetch, suspected } = picking('abc', (id) => id === 'b')
  expect(await picked(choices)).toBe('abc')
  for (let i = 0; i < 20; i += 1) await passing(fetch('rollcall://web/'))
  expect(suspected).toEqual(['b'])
  expect(await picked(choices)).toBe('ac')
})

test('nor what its caller suspects, unless that is more than half; nor by fetch', async () => {
  const { choices, fetch } = picking('abcd', (id) => id === 'b')
  await picked(choices)
  choices.suspected('b')
  expect(await picked(choices)).toBe('acd')
  for (let i = 0; i < 20; i += 1) await passing(fetch('rollcall://web/'))
  choices.suspected('a')
  expect(await picked(choices)).toBe('cd')
  choices.suspected('c')
  expect(await picked(choices)).toBe('abcd')
})

test('how old it may be only the daemon can say: it is asked each time, and its refusal is the answer', async () => {
  const { choices, lookups } = picking('ab')
  expect((await choices.pick('web', { maxAge: '2s' }))?.id).toBeDefined()
  expect((await choices.pick('web', { maxAge: 2000 }))?.id).toBeDefined()
  expect(await choices.pick('nothing', { maxAge: '2s' })).toBeUndefined()
  expect(lookups).toEqual(['2s', '2s', '2s'])
  await expect(choices.pick('web', { maxAge: '1ms' })).rejects.toThrow('maxAge: too old')
  await expect(choices.pick('web', { maxAge: 'soon' })).rejects.toThrow('maxAge: "soon" is not a duration')
  await expect(choices.pick('web', { maxAge: -1 })).rejects.toThrow('maxAge')
  expect(choices.queryOf({ maxAge: '2s', prefer: 'zone' })).toEqual({
    prefer: 'zone',
    maxAge: '2s',
    tag: undefined,
    exclude: undefined,
  })
})
