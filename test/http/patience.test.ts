// Whoever changes something is not kept waiting for ever, whether its call has a body or not.
import { afterEach, expect, test } from 'vitest'
import { serveMemory, type MemoryServer } from './serve.js'

let server: MemoryServer
afterEach(() => server.stop())

const endless = (): Promise<never> => new Promise(() => undefined)

test.each([
  ['PUT', '/registry-svc/instance', { id: 'a', url: 'http://10.0.0.9:80' }],
  ['PUT', '/v1/instances', { id: 'a', url: 'http://10.0.0.9:80' }],
  ['PUT', '/registry-svc/definition', { definition: { id: 'd' } }],
  ['DELETE', '/registry-svc/instance/a', undefined],
  ['DELETE', '/registry-svc/definition/d', undefined],
])('a disk that never answers: %s %s is told to come again', async (method, path, body) => {
  server = await serveMemory({ patience_ms: 30 })
  Object.assign(server.service, {
    ...{ register: endless, deregister: endless, saveDefinition: endless, removeDefinition: endless },
  })
  const asked = { method, ...(body !== undefined && { body: JSON.stringify(body) }) }
  const answer = await fetch(server.url + path, asked)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await answer.json()).toEqual({ error: expect.stringMatching(/too long.*may still happen/) as string })
})

test('what is answered in time is answered once', async () => {
  server = await serveMemory({ patience_ms: 30 })
  const body = JSON.stringify({ id: 'a', url: 'http://10.0.0.9:80' })
  for (let i = 0; i < 3; i += 1) {
    const answer = await fetch(`${server.url}/registry-svc/instance`, { method: 'PUT', body })
    expect(answer.status).toBe(201)
    await answer.json()
  }
})
