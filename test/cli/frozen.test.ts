/** What a command says at a daemon that is there and does not answer, beside one that is not there. */
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { reportFailure } from '../../src/cli/command.js'
import { createClient } from '../../src/client.js'
import { fileNames } from '../../src/io/identity.js'

/** Takes connections, as the kernel does for a process that is suspended. */
async function mutePort(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${port}`, server }
}

async function saidOf(server: string): Promise<string> {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    const failure: unknown = await createClient({ server, attempts: 1, timeout_ms: 100 })
      .instances()
      .catch((error: unknown) => error)
    expect(await reportFailure(failure)).toBe(3)
    return String(write.mock.calls.at(-1)?.[0])
  } finally {
    write.mockRestore()
  }
}

test('at a daemon that takes connections and says nothing nobody is told to start one', async () => {
  const said = await saidOf((await mutePort()).url)
  expect(said).toMatch(/a daemon is there, that takes connections and says nothing.*Do not start a second one/)
  expect(said).not.toContain('rollcall start')
})

test('its process is named where its data directory tells of it, and of no other', async () => {
  const [{ url: server }, { url: other }] = [await mutePort(), await mutePort()]
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-frozen-'))
  writeFileSync(join(directory, fileNames.holder), JSON.stringify({ pid: 4711, http: server }))
  vi.stubEnv('ROLLCALL_DATA_DIR', directory)
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(await saidOf(server)).toMatch(/a daemon is there, process 4711,.*kill -CONT 4711/)
  expect(await saidOf(other)).toMatch(/a daemon is there, that.*kill -CONT PID/)
})

test('where the connection is refused one is to be started', async () => {
  const { url, server } = await mutePort()
  server.close()
  await once(server, 'close')
  expect(await saidOf(url)).toMatch(/connection refused\); start one with: rollcall start/)
})
