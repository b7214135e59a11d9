/** A plain lookup is answered ahead of the routes: nobody can tell, but by how long it takes. */
import { afterEach, expect, test } from 'vitest'
import { createHttpServer, type HttpServerOptions } from '../../src/http/server.js'
import { silentLog } from '../../src/log.js'
import { type RawAnswer, request, sendRaw } from './raw.js'
import { MemoryService } from './service.js'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function serve(options: Partial<HttpServerOptions> = {}) {
  const service = new MemoryService()
  for (const id of ['a', 'b', 'c'])
    await service.register({ id, slug: 'web', url: `http://${id}.test`, tags: ['é"\\'] })
  const server = createHttpServer({ service: () => service, host: '127.0.0.1', port: 0, log: silentLog(), ...options })
  ends.push(() => server.stop())
  const { url } = await server.start()
  const ask = (line: string, lines: readonly string[] = []): Promise<RawAnswer> => sendRaw(url, request(line, lines))
  return { service, server, ask }
}

/** Its path is written in another way, which the routes decode. */
const [plainly, byRoutes] = ['GET /v1/lookup/web', 'GET /v1/lookup/%77eb']

const pickedBy = ({ body }: RawAnswer): string => (JSON.parse(body) as { picked: { id: string } }).picked.id

test('it says what the routes say, beside the answer too, and takes the next turn', async () => {
  const { service, ask } = await serve()
  const answers: RawAnswer[] = []
  for (const line of [plainly, byRoutes, plainly, byRoutes, plainly, byRoutes]) answers.push(await ask(line))
  const picked = answers.map(pickedBy)
  expect(new Set(picked.slice(0, 3)).size).toBe(3)
  expect(picked.slice(3)).toEqual(picked.slice(0, 3))
  for (const [at, one] of answers.slice(0, 3).entries()) {
    const { date: _, ...headers } = one.headers
    const { date: __, ...others } = (answers[at + 3] as RawAnswer).headers
    expect([one.status, headers, one.body]).toEqual([200, others, (answers[at + 3] as RawAnswer).body])
    expect(headers).toMatchObject({ 'x-rollcall-position': service.news.position })
    expect(headers).toHaveProperty('x-rollcall-freshness')
  }
  const { status, headers, body } = await ask('HEAD /v1/lookup/web')
  expect([status, headers['content-length'], body]).toEqual([200, String(Buffer.byteLength(answers[0]!.body)), ''])
})

test('whatever is not let in, not known, or not that question is answered by the routes', async () => {
  const { service, ask } = await serve()
  const statusOf = async (line: string, lines?: readonly string[]): Promise<number> => (await ask(line, lines)).status
  expect(await statusOf(plainly, ['Host: evil.example'])).toBe(403)
  expect(await statusOf('GET /v1/lookup/nobody')).toBe(404)
  expect(await statusOf(`${plainly}?strategy=sideways`)).toBe(400)
  expect(await statusOf('GET /v1/lookup/web/')).toBe(404)
  expect(await statusOf('POST /v1/lookup/web')).toBe(405)
  expect((await ask('GET /v1/lookup/nobody')).headers).toMatchObject({ 'x-rollcall-position': service.news.position })
  await service.deregister('a')
  expect(await ask(plainly)).toMatchObject({ body: expect.not.stringContaining('a.test') as string })
})

test('who may come, and from which pages, counts from the next question on', async () => {
  const { server, ask } = await serve()
  const page = ['Origin: https://ops.example']
  expect((await ask(plainly, page)).headers).not.toHaveProperty('access-control-allow-origin')
  server.admit({ corsOrigins: ['https://ops.example'] })
  expect((await ask(plainly, page)).headers).toMatchObject({ 'access-control-allow-origin': 'https://ops.example' })
  server.admit({ credentials: { tokens: [] } })
  expect((await ask(plainly)).status).toBe(401)
  server.admit({})
  expect((await ask(plainly)).status).toBe(200)
})
