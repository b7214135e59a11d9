// The last lines of a daemon's log: so many, and none of the secrets that stand in them.
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { parseConfig } from '../../src/config.js'
import { startDaemon } from '../../src/daemon.js'
import { toldLines } from '../../src/daemon/told-lines.js'
import { LastLines, lastLinesLimits } from '../../src/log/last-lines.js'

test('are the newest, in bounds of number and size', () => {
  const last = new LastLines()
  for (let i = 0; i < 2 * lastLinesLimits.lines; i++) last.note(`line ${i}\n`)
  expect(last.read()).toHaveLength(lastLinesLimits.lines)
  expect(last.read().at(-1)).toBe(`line ${2 * lastLinesLimits.lines - 1}`)
  for (let i = 0; i < 100; i++) last.note(`${i} ${'x'.repeat(100_000)}`)
  expect(last.read().join('').length).toBeLessThanOrEqual(lastLinesLimits.characters)
  expect(last.read().at(-1)).toHaveLength(lastLinesLimits.ofOneLine)
})

test('hold no cluster key, no token, no header of a check, whole or cut', () => {
  const [hex, last] = ['a1'.repeat(32), new LastLines()]
  const clusterKey = Buffer.from(`/key/swarm/psk/1.0.0/\n/base16/\n${hex}\n`)
  last.note(JSON.stringify({ msg: `read ${hex}`, token: 'pl4nted' }))
  last.note(
    JSON.stringify({
      check: { headers: { 'x-any': 'pl4nted' } },
      url: 'http://u:pl4nted@h/?access_token=pl4nted&any=pl4nted',
    }),
  )
  last.note(JSON.stringify({ details: `Bearer pl4nted and ${hex}`, rest: 'x'.repeat(100_000) }))
  const told = toldLines(last, { clusterKey })()
  expect(told).toHaveLength(3)
  expect(told.join()).not.toMatch(new RegExp(`pl4nted|${hex}`))
  expect(told[0]).toContain('"msg":"read [redacted]"')
})

test('are told to whoever may administer a daemon, and to nobody else; what urls ask with is told only where they are listed', async () => {
  const last = new LastLines()
  const flags = { temp: true, mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'], nodeId: 'a' }
  const config = parseConfig({ flags, env: {} })
  const tokens = (['admin', 'read'] as const).map((may) => ({
    ...{ name: may, may, sha256: createHash('sha256').update(`${may}-pl4nted`).digest() },
  }))
  const log = pino({ level: 'info' }, { write: (line) => last.note(line) })
  const daemon = await startDaemon({ ...config, tokens: { tokens } }, log, last)
  try {
    const ask = async (path: string, by: string, init: RequestInit = {}): Promise<Response> =>
      fetch(`${daemon.http.url}${path}`, { ...init, headers: { authorization: `Bearer ${by}-pl4nted` } })
    expect((await ask('/v1/log', 'read')).status).toBe(403)
    const url = 'http://u:pl4nted@127.0.0.1:9/?any=pl4nted'
    const put = (said: object): Promise<Response> =>
      ask('/v1/instances', 'admin', { method: 'PUT', body: JSON.stringify({ id: 'i', slug: 'web', url, ...said }) })
    const check = { http: { path: '/health?any=pl4nted' }, failureThreshold: 1 }
    expect((await put({ check })).status).toBe(201)
    const refused = [{ url: 'u:pl4nted@h' }, { url: 'http://u:pl4/nted@h/?any=pl4nted' }, { path: 'x?any=pl4nted' }]
    for (const said of refused) expect((await put(said)).status).toBe(400)
    const told = async (path: string): Promise<string> => (await ask(path, 'admin')).text()
    await vi.waitFor(async () => expect(await told('/v1/history')).toContain('connection refused'), 10_000)
    for (const path of ['/v1/history', '/v1/doctor', '/metrics', '/v1/members', '/v1/survey'])
      expect(await told(path)).not.toMatch(/pl4|nted/)
    expect(last.read().join()).not.toMatch(/pl4|nted/)
    expect(await told('/v1/instances')).toContain('http://127.0.0.1:9/?any=pl4nted')
    const { lines } = (await (await ask('/v1/log', 'admin')).json()) as { lines: string[] }
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain('serving')
    expect(lines.join()).not.toContain('pl4nted')
  } finally {
    await daemon.stop()
    await rm(config.dataDir, { recursive: true, force: true })
  }
})
