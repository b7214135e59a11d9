// What a node accepts as an id can be named again: found, shown and removed.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RegistryError, type RollcallNode } from '../../src/index.js'
import { anyId, oddIds, pathSteps } from '../http/ids.js'
import { start } from './local.js'

async function roundTrip(node: RollcallNode, id: string): Promise<void> {
  try {
    await node.register({ id, slug: 'ids', url: 'http://a.test', check: 'none' })
  } catch (error) {
    expect(error).toBeInstanceOf(RegistryError)
    await expect(node.saveDefinition({ id })).rejects.toMatchObject({ code: 'malformed' })
    return
  }
  expect(node.instances({ id }).instances).toMatchObject([{ id }])
  expect(node.lookup('ids')?.instances).toMatchObject([{ id }])
  await node.deregister(id)
  expect(node.instances({ id }).instances).toEqual([])
  await node.saveDefinition({ id })
  expect(node.definitions().definitions).toEqual([{ id }])
  await node.removeDefinition(id)
  expect(node.definitions().definitions).toEqual([])
}

test('every odd one, and any other', async () => {
  const node = await start()
  for (const id of oddIds) await roundTrip(node, id)
  await fc.assert(
    fc.asyncProperty(anyId, (id) => roundTrip(node, id)),
    { numRuns: 100 },
  )
})

test.each(pathSteps)('%j is refused', async (id) => {
  const node = await start()
  await expect(node.register({ id, url: 'http://a.test' })).rejects.toMatchObject({ code: 'malformed' })
  await expect(node.saveDefinition({ id })).rejects.toMatchObject({ code: 'malformed' })
})
