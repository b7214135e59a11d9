/** What a connection may bring before its handshake is done, by whoever comes, and by whom we came to. */
import { connect } from 'node:net'
import type { MessageStream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { FirstBytes, firstBytesLimits } from '../../src/io/network/first-bytes.js'
import { eventually } from './eventually.js'
import { startSite } from './networkworld.js'

const hello = Buffer.from('\x13/multistream/1.0.0\n\x07/noise\n')

/** A connection that notes what it is told, and what of it came on. */
class FakeConnection {
  readStatus = 'readable'
  isEnded = false
  readonly lengths: number[] = []

  onData({ byteLength }: { readonly byteLength: number }): void {
    this.lengths.push(byteLength)
  }

  pause(): void {
    this.readStatus = 'paused'
  }

  abort(): void {
    this.isEnded = true
  }

  resume(): void {
    this.readStatus = 'readable'
  }
}

function open() {
  const counts = { excess: 0 }
  const firstBytes = new FirstBytes(() => (counts.excess += 1))
  const begin = () => {
    const connection = new FakeConnection()
    const handshake = Promise.withResolvers<void>()
    const done = firstBytes.during(connection as unknown as MessageStream, () => handshake.promise)
    return { connection, handshake, done }
  }
  return { counts, begin }
}

test.each([
  ['bytes', [1, firstBytesLimits.bytes - 1], 1],
  ['pieces', Array.from({ length: firstBytesLimits.pieces }, () => 1), 1],
])('beyond so many %s nothing is read until the handshake is done', async (_, lengths, oneMore) => {
  const { counts, begin } = open()
  const { connection, handshake, done } = begin()
  for (const byteLength of lengths) connection.onData({ byteLength })
  expect(connection.readStatus).toBe('readable')
  connection.onData({ byteLength: oneMore })
  expect(connection.readStatus).toBe('paused')
  handshake.resolve()
  await done
  expect(connection.readStatus).toBe('readable')
  connection.onData({ byteLength: 2 * firstBytesLimits.bytes })
  expect(connection.readStatus).toBe('readable')
  expect(connection.lengths).toEqual([...lengths, oneMore, 2 * firstBytesLimits.bytes])
  expect(counts.excess).toBe(0)
})

test('whoever says too much and does not get through is counted', async () => {
  const { counts, begin } = open()
  const { connection, handshake, done } = begin()
  connection.onData({ byteLength: firstBytesLimits.bytes + 1 })
  handshake.reject(new Error('too late'))
  await expect(done).rejects.toThrow('too late')
  expect(counts.excess).toBe(1)
})

test('of those that say too much there are so many, and the oldest goes', async () => {
  const { counts, begin } = open()
  const all = Array.from({ length: firstBytesLimits.full + 2 }, begin)
  const [modest, first, ...others] = all as [(typeof all)[0], (typeof all)[0], ...typeof all]
  modest.connection.onData({ byteLength: firstBytesLimits.bytes })
  for (const { connection } of [first, ...others.slice(1)])
    connection.onData({ byteLength: firstBytesLimits.bytes + 1 })
  expect(all.some(({ connection }) => connection.isEnded)).toBe(false)
  others[0]?.connection.onData({ byteLength: firstBytesLimits.bytes + 1 })
  expect(all.filter(({ connection }) => connection.isEnded)).toEqual([first])
  for (const { handshake } of all) handshake.resolve()
  await Promise.all(all.map(({ done }) => done))
  expect(counts.excess).toBe(0)
})

test('of a first message that does not end little is read, and it is counted when its time is over', async () => {
  const site = await startSite()
  const port = Number(/tcp\/(\d+)/.exec(site.network.addresses()[0] ?? '')?.[1])
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(Buffer.concat([hello, Buffer.of(0xff, 0xff), Buffer.alloc(firstBytesLimits.bytes)]))
  await eventually('it is too much', () => (site.network.dropped()['handshake-excess'] ?? 0) > 0, 20_000)
  await closed
})
