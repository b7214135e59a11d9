// Lines of a log on their way to whoever reads them: the first at once, those that follow it closely together.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { LineOutput } from '../../src/log/output.js'

afterEach(() => void vi.useRealTimers())

test('what is said right after a line goes with what follows, in order', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const writer = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [reader] = (await once(server, 'connection')) as [Socket]
  const { fd } = (writer as unknown as { readonly _handle: { readonly fd: number } })._handle
  const output = new LineOutput(fd, () => '')
  const said = async (): Promise<string> => String((await once(reader, 'data'))[0])
  output.write('one\n')
  expect(await said()).toBe('one\n')
  for (let i = 0; i < 400 && vi.getTimerCount() === 0; i += 1) await sleep(5) // until the writer knows that it is written
  for (const line of ['two\n', 'three\n']) {
    output.write(line)
    await new Promise(setImmediate)
  }
  vi.advanceTimersByTime(100)
  expect(await said()).toBe('two\nthree\n')
  writer.destroy()
  reader.destroy()
  server.close()
})
