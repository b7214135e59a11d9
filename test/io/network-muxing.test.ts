/** Streams over one connection: few words about flow control, and never one too few. */
import type { Stream, StreamMuxer } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { expect, test } from 'vitest'
import { muxing } from '../../src/io/network/muxing.js'
import { eventually } from './eventually.js'

/** Two muxers with a connection between them, and how many frames without data the answering one sends. */
async function pair(): Promise<{ stream: Stream; received: () => number; updates: () => number; close: () => void }> {
  const [out, back] = multiaddrConnectionPair()
  const asking = muxing()().createStreamMuxer(out)
  const answering = muxing()().createStreamMuxer(back) as StreamMuxer & { sendFrame: (header: Header) => boolean }
  interface Header {
    readonly type: number
    readonly flag: number
  }
  let updates = 0
  const send = answering.sendFrame.bind(answering)
  answering.sendFrame = (header) => {
    if (header.type === 1 && header.flag === 0) updates += 1
    return send(header)
  }
  let received = 0
  answering.addEventListener('stream', ({ detail }) => {
    detail.addEventListener('message', ({ data }) => void (received += data.byteLength))
  })
  const stream = await asking.createStream()
  const close = (): void => {
    asking.abort(new Error('over'))
    answering.abort(new Error('over'))
  }
  return { stream, received: () => received, updates: () => updates, close }
}

test('small frames are not answered one by one', async () => {
  const { stream, received, updates, close } = await pair()
  for (let i = 1; i <= 200; i++) {
    stream.send(new Uint8Array(100))
    await eventually('the frame arrives', () => received() === 100 * i)
  }
  expect(updates()).toBeLessThan(5)
  close()
})

test('whatever is larger than all windows arrives', async () => {
  const { stream, received, updates, close } = await pair()
  const size = 16 * 1024 * 1024
  for (let sent = 0; sent < size; sent += 64 * 1024) {
    if (!stream.send(new Uint8Array(64 * 1024))) await stream.onDrain()
  }
  await eventually('everything arrives', () => received() === size)
  expect(updates()).toBeGreaterThan(0)
  close()
})
