/** The client against a real server: every call, every kind of refusal, and nobody there. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient, isUnreachable, type Client } from '../../src/client.js'
import { RegistryError, type ErrorCode } from '../../src/core/model/errors.js'
import { serveMemory, type MemoryServer } from './serve.js'

let served: MemoryServer
let client: Client
beforeAll(async () => {
  served = await serveMemory()
  client = createClient({ server: `${served.url}/` })
})
afterAll(() => served.stop())

test('ids, slugs, urls and filters arrive as they are, whatever is in them', async () => {
  const [id, slug] = ['a/b?c#d%2F é', 'x/y@1.2~3']
  expect(await client.register({ id, slug, url: 'http://a.test:1/?q=1', tags: ['t+t', 'a&b'] })).toEqual({ id })
  expect((await client.instances({ id, tag: 't+t' })).instances).toMatchObject([{ id, tags: ['t+t', 'a&b'] }])
  expect(await client.lookup(slug)).toMatchObject({ slug, picked: { id } })
  expect((await client.instanceRows({ slug })).instances).toMatchObject([{ id, visible: true }])
  await client.deregister(id)
  expect((await client.instances({ id })).instances).toEqual([])
  await client.saveDefinition({ id, more: [1] })
  expect(await client.definitions()).toEqual({ definitions: [{ id, more: [1] }] })
  await client.removeDefinition(id)
  await client.removeNode('http://10.0.0.6:58231/x')
  expect((await client.nodes()).nodes.map((node) => node.id)).toEqual(['abc'])
  expect((await client.nodes(['none'])).nodes).toEqual([])
})

test('a lookup between two picks moves nobody’s turn', async () => {
  for (const id of ['p1', 'p2']) await client.register({ id, slug: 'turns', url: `http://${id}.test` })
  const picked: (string | undefined)[] = []
  for (let i = 0; i < 4; i++) {
    await client.lookup('turns')
    picked.push((await client.pickOnce('turns')).picked?.id)
  }
  expect(picked.slice(0, 2).sort()).toEqual(['p1', 'p2'])
  expect(picked.slice(2)).toEqual(picked.slice(0, 2))
  await expect(client.pickOnce('nobody')).rejects.toMatchObject({ code: 'not-found' })
})

test('what the daemon tells of itself', async () => {
  expect((await client.selfNode()).node.id).toBe('abc')
  expect(await client.self()).toEqual(served.service.self())
  expect((await client.peers()).peers).toHaveLength(1)
  expect((await client.members()).members).toHaveLength(2)
  expect(await client.digest()).toEqual(served.service.digest())
})

test('not being ready is an answer, not a failure', async () => {
  expect(await client.readiness()).toEqual({ ready: true, reasons: [], degraded: false })
  served.service.ready = { ready: false, reasons: ['joining'], degraded: false }
  expect(await client.readiness()).toMatchObject({ ready: false, reasons: ['joining'] })
  served.service.ready = { ready: true, reasons: [], degraded: false }
})

test.each<ErrorCode>(['malformed', 'forbidden', 'not-found', 'conflict', 'too-large', 'internal', 'unavailable'])(
  'the error %s arrives as it was thrown',
  async (code) => {
    served.service.failure = new RegistryError(code, 'the sentence')
    const error: unknown = await client.deregister('x').catch((reason: unknown) => reason)
    served.service.failure = undefined
    expect(error).toMatchObject({ name: 'RegistryError', code, message: 'the sentence' })
    expect(isUnreachable(error)).toBe(false)
  },
)

describe('nobody there', () => {
  const failureOf = (server: string, timeout_ms = 10_000): Promise<unknown> =>
    createClient({ server, timeout_ms })
      .self()
      .catch((reason: unknown) => reason)

  async function withServer(server: Server, check: (url: string) => Promise<void>): Promise<void> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await check(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    server.close()
  }

  test('refused, unknown, silent, closed without a word: unreachable', async () => {
    const gone = createServer()
    let freed = ''
    await withServer(gone, async (url) => {
      freed = url
    })
    await once(gone, 'close')
    await expectUnreachable(freed, /connection refused/)
    await expectUnreachable('http://no-such-host.invalid', /ENOTFOUND|EAI_AGAIN/)
    await withServer(
      createServer((socket) => socket.on('error', () => undefined)),
      (url) => expectUnreachable(url, /no answer in 0\.2 s/, 200),
    )
    await withServer(
      createServer((socket) => socket.destroy()),
      (url) => expectUnreachable(url, /\(.+\)/),
    )
    await withServer(
      createServer((socket) => socket.resetAndDestroy()),
      (url) => expectUnreachable(url, /\(.+\)/),
    )
  })

  async function expectUnreachable(server: string, words: RegExp, timeout_ms?: number): Promise<void> {
    const error = await failureOf(server, timeout_ms)
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(words) as string })
    expect(isUnreachable(error)).toBe(true)
  }

  test('something else that speaks HTTP is not a daemon, but it is there', async () => {
    const web = createServer((socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\n<no>'))
    await withServer(web, async (url) => {
      const error = await failureOf(url)
      expect(error).toMatchObject({ message: expect.stringMatching(/no Rollcall daemon.*502/) as string })
      expect(isUnreachable(error)).toBe(false)
    })
  })
})

test('a server that is no url is refused at once', () => {
  expect(createClient({ server: '10.0.0.5:58231' }).server).toBe('http://10.0.0.5:58231')
  for (const server of ['', 'ftp://x', 'http://', ':1']) expect(() => createClient({ server })).toThrow(/server: /)
})
