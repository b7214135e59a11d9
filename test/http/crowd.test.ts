/** Callers who do not read, do not speak, or speak slowly: the others are served all the same. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { httpLimits } from '../../src/http/app.js'
import { makeRoom } from '../../src/http/crowd.js'
import { createRoutedApp } from '../../src/http/server.js'
import { silentLog } from '../../src/log.js'
import { put } from './contract/asking.js'
import { request, sendRaw } from './raw.js'
import { serveMemory, type MemoryServer } from './serve.js'

let served: MemoryServer
const sockets: Socket[] = []
afterEach(async () => {
  sockets.splice(0).forEach((socket) => socket.destroy())
  await served.stop()
})
async function open(): Promise<Socket> {
  const socket = connect(Number(new URL(served.url).port), '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

test('the oldest connection that never asked gives way to one that comes, and then the longest idle', async () => {
  served = await serveMemory({ maxConnections: 3 })
  const asked = await open()
  asked.write(request('GET /healthz').replace(/connection: close\r\n/i, ''))
  await once(asked, 'data')
  const silent = [await open(), await open()]
  const gone = once(silent[0]!, 'close')
  expect((await sendRaw(served.url, request('GET /v1/self'))).status).toBe(200)
  await gone
  expect([asked.destroyed, silent[1]!.destroyed]).toEqual([false, false])
})

test('whoever does not take its answer gives way after a while, whoever waits for one never', async () => {
  const server = createServer((asked, response) => {
    if (asked.url !== '/never') response.end(Buffer.alloc(asked.url === '/large' ? 16_000_000 : 1))
  })
  makeRoom(server, 3, () => undefined, 200)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  served = {
    ...served,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => void server.close(),
  }
  const [waiting, deaf] = [await open(), await open()]
  for (const [socket, path] of [
    [waiting, '/never'],
    [deaf, '/large'],
    [await open(), '/never'],
  ] as const) {
    socket.pause()
    const heard = once(server, 'request')
    socket.write(request(`GET ${path}`))
    await heard
  }
  await vi.waitFor(async () => expect((await sendRaw(served.url, request('GET /'))).status).toBe(200), 30_000)
  const gone = once(deaf, 'close')
  deaf.resume()
  await gone
  expect([deaf.bytesRead < 16_000_000, waiting.destroyed]).toEqual([true, false])
})

test('answers that nobody takes are bounded in all, and whoever takes nothing is cut off', async () => {
  const waiting = { bytes: 12_000_000, small_bytes: 1000, untaken_ms: 4000, look_ms: 50 }
  served = await serveMemory({ waiting })
  for (let i = 0; i < 4; i += 1) {
    const metadata = Object.fromEntries(Array.from({ length: 10 }, (_, key) => [`k${key}`, 'x'.repeat(200)]))
    await sendRaw(served.url, put({ id: `i${i}`, url: `http://i${i}.test`, slug: 'web', metadata }))
  }
  const rows = served.service.instanceRows()
  vi.spyOn(served.service, 'instanceRows').mockReturnValue(Array.from({ length: 24_000 }, (_, i) => rows[i % 4]!))
  const deaf = await open()
  deaf.pause()
  const gone = once(deaf, 'close')
  deaf.write(request('GET /v1/instances'))
  const whenRefused = async (): Promise<void> => {
    const answer = await sendRaw(served.url, request('GET /v1/instances'))
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1'])
  }
  await vi.waitFor(whenRefused, 30_000)
  expect((await sendRaw(served.url, request('GET /v1/lookup/web'))).status).toBe(200)
  await vi.waitFor(
    async () => expect((await sendRaw(served.url, request('GET /v1/instances'))).status).toBe(200),
    30_000,
  )
  deaf.resume()
  await gone
}, 90_000)

test('a request has to arrive within its time, looked after often', async () => {
  served = await serveMemory()
  const app = createRoutedApp({ service: () => served.service, host: '127.0.0.1', log: silentLog() })
  const { server } = app
  expect([server.requestTimeout, server.headersTimeout]).toEqual([httpLimits.request_ms, httpLimits.headers_ms])
  expect(httpLimits.headers_ms).toBeLessThan(httpLimits.request_ms)
  await app.close()
})
