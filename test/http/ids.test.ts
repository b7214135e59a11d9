/** What is accepted can be named again: found, shown and removed, by its id alone; ids that could not be are refused. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient, RegistryError, type Client } from '../../src/client.js'
import { anyId, oddIds, pathSteps } from './ids.js'
import { serveMemory, type MemoryServer } from './serve.js'

let served: MemoryServer
let client: Client
beforeAll(async () => {
  served = await serveMemory()
  client = createClient({ server: served.url })
})
afterAll(() => served.stop())

/** Whether it was taken; what is refused has to be refused as what it is. */
async function isTaken(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(RegistryError)
    expect((error as RegistryError).code).toBe('malformed')
    return false
  }
}

async function roundTrip(id: string): Promise<boolean> {
  const isRegistered = await isTaken(client.register({ id, slug: 'ids', url: 'http://a.test' }))
  const isSaved = await isTaken(client.saveDefinition({ id }))
  expect(isSaved).toBe(isRegistered)
  if (!isRegistered) return false
  expect((await client.instances({ id })).instances).toMatchObject([{ id }])
  expect((await client.instanceRows({ id })).instances).toMatchObject([{ id }])
  await client.setMaintenance(id, 'named')
  expect((await client.instances({ id })).instances).toEqual([])
  await client.endMaintenance(id)
  await client.deregister(id)
  expect((await client.instances({ id })).instances).toEqual([])
  expect((await client.definitions()).definitions).toEqual([{ id }])
  await client.removeDefinition(id)
  expect((await client.definitions()).definitions).toEqual([])
  return true
}

test.each(oddIds)('%j is registered, hidden, shown and removed under just that id', async (id) => {
  expect(await roundTrip(id)).toBe(true)
})

test.each(pathSteps)('%j is refused, since no path can carry it', async (id) => {
  await expect(client.register({ id, url: 'http://a.test' })).rejects.toThrow(/^id: .*choose another/)
  await expect(client.saveDefinition({ id })).rejects.toThrow(/^definition\.id: .*choose another/)
})

test.each(pathSteps)('%j, which a record of an earlier version may have, is removed all the same', async (id) => {
  await served.service.register({ id, url: 'http://a.test' })
  await served.service.saveDefinition({ id })
  expect((await client.instances({ id })).instances).toMatchObject([{ id }])
  await client.deregister(id)
  await client.removeDefinition(id)
  expect((await client.instances({ id })).instances).toEqual([])
  expect((await client.definitions()).definitions).toEqual([])
  await expect(client.deregister(id)).rejects.toMatchObject({ code: 'not-found' })
})

test.each(pathSteps)('%j leads nowhere else, whatever is asked for', async (name) => {
  await expect(client.setMaintenance(name)).rejects.toMatchObject({ code: 'not-found' })
  await expect(client.removeNode(name)).rejects.toMatchObject({ code: 'not-found' })
  expect(await client.lookup(name)).toBeUndefined()
  expect(await client.pick(name)).toBeUndefined()
})

test('whatever else is taken as an id', async () => {
  await fc.assert(
    fc.asyncProperty(anyId, async (id) => void (await roundTrip(id))),
    { numRuns: 60 },
  )
})

test('to remove something by the query, its id has to be there', async () => {
  for (const path of ['/v1/instances', '/v1/definitions', '/v1/instances?id=']) {
    const answer = await fetch(`${served.url}${path}`, { method: 'DELETE' })
    expect({ path, status: answer.status, body: await answer.json() }).toEqual({
      ...{ path, status: 400, body: { error: expect.stringMatching(/^id: /) as unknown } },
    })
  }
})
