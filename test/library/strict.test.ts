// A node takes a program at its word: empty is not the same as not said, and a word that nobody knows is refused with what was meant.
import { expect, test } from 'vitest'
import type { RollcallNode } from '../../src/index.js'
import { start } from './local.js'

const url = 'http://a.test'

test('what is not said again stays; null, an empty text or list says that there is none', async () => {
  const node = await start()
  const full = { id: 'e', url, slug: 'web', deploymentId: 'd', tags: ['t'], check: 'none' }
  const after = async (said: object): Promise<object> => {
    await node.register(full)
    await node.register({ id: 'e', url, ...said })
    const { slug, deploymentId, tags } = node.instances({ id: 'e' }).instances[0] ?? {}
    return { slug, deploymentId, tags }
  }
  const kept = { slug: 'web', deploymentId: 'd', tags: ['t'] }
  expect(await after({})).toEqual(kept)
  expect(await after({ slug: undefined, tags: undefined })).toEqual(kept)
  for (const tags of [[], null, '', ['']]) expect(await after({ tags })).toEqual({ ...kept, tags: undefined })
  for (const none of [null, '']) {
    expect(await after({ slug: none })).toEqual({ ...kept, slug: undefined })
    expect(await after({ deploymentId: none })).toEqual({ ...kept, deploymentId: undefined })
  }
})

test('unknown fields, filters, events and options are refused with what was meant', async () => {
  const node = await start()
  const any = node as unknown as { [Name in keyof RollcallNode]: (...given: unknown[]) => unknown }
  await expect(any.register({ url, tgas: [] })).rejects.toThrow(/^tgas: there is no such field; did you mean tags\?$/)
  await expect(any.register({ url, meta: {} })).rejects.toThrow(/^meta: there is no such field; did you mean metadata/)
  await expect(any.register('http://a')).rejects.toMatchObject({ code: 'malformed' })
  await expect(any.register(undefined)).rejects.toMatchObject({ code: 'malformed' })
  await node.register({ url, id: 'fine', foo: undefined } as object)
  expect(() => any.instances({ tags: 'x' })).toThrow(/^tags: there is no such filter; did you mean tag\?$/)
  expect(() => any.instances({ status: 'Fine' })).toThrow(/^status: must be one of/)
  expect(() => any.on('memeber', () => undefined)).toThrow(/^memeber: there is no such event; did you mean member\?$/)
  expect(() => any.on('toString', () => undefined)).toThrow(/^toString: there is no such event; there are member/)
  expect(() => any.on('member', undefined)).toThrow(/^member: the listener must be a function$/)
  expect(() => any.events({ singal: 1 })).toThrow(/did you mean signal/)
  expect(() => any.events({ type: 'memeber' })).toThrow(/^type: memeber: .*did you mean member/)
  expect(() => any.events({ after: 7 })).toThrow(/^after: must be a string$/)
  expect(() => any.instances(null)).toThrow(/^filters: must be an object/)
  expect(() => any.nodes('abc')).toThrow(/^ids: must be a list/)
  await expect(any.register({ url }, { singal: 1 })).rejects.toThrow(/did you mean signal/)
  await expect(any.ready({ timeout: 1 })).rejects.toThrow(/^timeout: there is no such option/)
  await expect(start({ regoin: 'eu' } as object)).rejects.toThrow(
    /^regoin: there is no such option; did you mean region\?$/,
  )
})

test('tags are AND-ed', async () => {
  const node = await start()
  await node.register({ id: '1', url, tags: ['a', 'b'] })
  await node.register({ id: '2', url: `${url}:2`, tags: ['a'] })
  expect(node.instances({ tag: ['a', 'b'] }).instances.map(({ id }) => id)).toEqual(['1'])
  expect(node.instances({ tag: 'a' }).instances.map(({ id }) => id)).toEqual(['1', '2'])
  expect(node.instances({ tag: [] }).instances).toHaveLength(2)
  await node.register({ id: '3', url: `${url}:3`, slug: 's' })
  expect(node.instances({ tag: '' }).instances.map(({ id }) => id)).toEqual(['3'])
  expect(node.instances({ slug: '' }).instances.map(({ id }) => id)).toEqual(['1', '2'])
})
