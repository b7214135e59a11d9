/** Bodies that come slowly, in crumbs, without end, or to nobody: what each may be, and all of them together. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RegistryError } from '../../src/core/model/errors.js'
import { bodyLimits, discardUnread, IncomingBodies } from '../../src/http/bodies.js'
import { request, sendRaw } from './raw.js'

const allBytes = bodyLimits.bytes + 128 * 1024
const patient = { timeout: 20_000 }
let server: Server
let bodies: IncomingBodies
let url: string
const callers: Caller[] = []

/** What was read is answered with its length, or with why it is not taken; whoever asks with GET is answered at once. */
beforeEach(async () => {
  bodies = new IncomingBodies({ ...bodyLimits, allBytes })
  server = createServer((asked, response) => {
    if (asked.method === 'GET') return void response.end('here')
    bodies.read(asked).then(
      (body) => response.end(String(body.length)),
      (error: unknown) => response.writeHead(500).end((error as RegistryError).code),
    )
  })
  discardUnread(server, bodyLimits)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  for (const { socket } of callers.splice(0)) socket.destroy()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

class Caller {
  readonly socket: Socket
  text = ''
  isGone = false

  constructor(head: string) {
    const { hostname, port } = new URL(url)
    this.socket = connect(Number(port), hostname)
    callers.push(this)
    this.socket.on('data', (bytes) => (this.text += bytes.toString()))
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => (this.isGone = true))
    this.socket.write(head)
  }

  /** Sends it again and again until the other end will have no more. */
  async flood(bytes: Buffer): Promise<void> {
    while (!this.isGone) {
      if (this.socket.write(bytes)) await new Promise((resolve) => setImmediate(resolve))
      else await new Promise((resolve) => this.socket.once('drain', resolve).once('close', resolve))
    }
  }
}

const announcing = (bytes: number): string => `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`
const chunked = (method: string): string => `${method} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`
const crumbs = Buffer.from('1\r\n.\r\n'.repeat(10_000))

test('a body in chunks is put together, as small as a program may well send them', async () => {
  const chunk = `40\r\n${'x'.repeat(64)}\r\n`
  const whole = `${chunk.repeat(bodyLimits.bytes / 64)}0\r\n\r\n`
  const answer = await sendRaw(url, request('PUT /', ['Transfer-Encoding: chunked'], whole))
  expect(answer).toMatchObject({ status: 200, body: String(bodyLimits.bytes) })
  const few = await sendRaw(
    url,
    request('PUT /', ['Transfer-Encoding: chunked'], `${'1\r\n.\r\n'.repeat(3000)}0\r\n\r\n`),
  )
  expect(few).toMatchObject({ status: 200, body: '3000' })
})

test('what comes in crumbs without end is cut off, and holds nothing', async () => {
  const caller = new Caller(chunked('PUT'))
  await caller.flood(crumbs)
  expect(bodies.bytes).toBe(0)
})

test('so is what comes after a question that takes none, and all that is beyond any sense', async () => {
  for (const bytes of [crumbs, Buffer.from(`10000\r\n${'x'.repeat(65536)}\r\n`)]) {
    const caller = new Caller(chunked('GET'))
    await vi.waitFor(() => expect(caller.text).toContain('here'), patient)
    await caller.flood(bytes)
  }
  await new Caller(announcing(1e12)).flood(Buffer.alloc(65536))
  expect(bodies.bytes).toBe(0)
})

test('whoever sends a body along with a question may ask again over that connection', async () => {
  const caller = new Caller(`GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n`)
  await vi.waitFor(() => expect(caller.text).toContain('here'), patient)
  caller.socket.write(Buffer.alloc(1_000_000))
  caller.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await vi.waitFor(() => expect(caller.text.match(/here/g)).toHaveLength(2), patient)
})

test('where all are more than there is room for the largest gives way, and those of usual size come in', async () => {
  const [small, ...large] = [10_000, 600_000, 600_000, 600_000].map((bytes) => {
    const caller = new Caller(announcing(bytes))
    caller.socket.write(Buffer.alloc(bytes - 1))
    return caller
  })
  const refused = (): Caller[] => large.filter(({ text }) => text.includes('unavailable'))
  await vi.waitFor(() => expect(refused()).not.toHaveLength(0), patient)
  expect(bodies.bytes).toBeLessThanOrEqual(allBytes)
  small?.socket.write('.')
  await vi.waitFor(() => expect(small?.text).toContain('10000'), patient)
  for (const { socket } of callers) socket.destroy()
  await vi.waitFor(() => expect(bodies.bytes).toBe(0), patient)
})

test('one that ends early, or is too large, leaves nothing behind', async () => {
  const early = new Caller(announcing(1000))
  early.socket.write(Buffer.alloc(10))
  await vi.waitFor(() => expect(bodies.bytes).toBeGreaterThan(0), patient)
  early.socket.destroy()
  await vi.waitFor(() => expect(bodies.bytes).toBe(0), patient)
  const large = new Caller(announcing(2 * bodyLimits.bytes))
  large.socket.write(Buffer.alloc(2 * bodyLimits.bytes))
  await vi.waitFor(() => expect(large.text).toContain('too-large'), patient)
  expect(bodies.bytes).toBe(0)
})
