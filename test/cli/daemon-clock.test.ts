/** A daemon on a machine whose clock is years off: what it tells is as old here as it is there. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { hearClock } from '../../src/cli/daemon-clock.js'
import { formatEvent } from '../../src/cli/events.js'
import { formatClock } from '../../src/cli/format.js'
import { plainLook } from '../../src/cli/table.js'
import { runHere } from './run.js'

const years_ms = 3 * 365 * 86_400_000
afterEach(() => hearClock(null))

test.each([-years_ms, years_ms])('by a clock that is %d ms ahead ages are right', async (ahead_ms) => {
  const then = (ago_ms: number): string => new Date(Date.now() + ahead_ms - ago_ms).toISOString()
  const seen = { id: 'i', slug: 'web', url: 'http://10.0.0.7', status: 'Healthy', nodeUrl: 'http://10.0.0.5' }
  const answers: Record<string, () => object> = {
    '/v1/lookup/web': () => ({
      ...{ slug: 'web', degraded: false, instances: [{ ...seen, lastHeartbeat: then(20_000) }] },
    }),
    '/registry-svc/nodes': () => ({ nodes: [{ id: 'abc', url: 'http://10.0.0.5', lastHeartbeat: then(20_000) }] }),
    '/v1/history': () => ({
      ...{ at: then(0), by: 'abc', from: then(600_000), notAsked: [] },
      entries: [
        {
          ...{ seq: 1, at: then(20_000), act: 'register', id: 'i', node: 'abc', peer: 'A' },
          via: 'http',
          outcome: 'done',
        },
      ],
      nodes: [{ node: 'abc', peer: 'A', how: 'self', from: then(600_000) }],
    }),
  }
  const server = createServer((request, response) => {
    response.setHeader('date', new Date(Date.now() + ahead_ms).toUTCString())
    const answer = answers[(request.url ?? '').replace(/\?.*/, '')]
    response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer?.() ?? { error: 'none' }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const env = { ROLLCALL_SERVER: `127.0.0.1:${(server.address() as AddressInfo).port}` }
    const said = async (...args: string[]): Promise<string> => (await runHere(args, env)).stdout
    expect(await said('lookup', 'web')).toMatch(/ (19|2\d) s ago /)
    expect(await said('nodes')).toMatch(/ (19|2\d) s ago /)
    const began = formatClock(new Date(Date.now() - 600_000).toISOString()).slice(0, 3)
    expect(await said('history')).toMatch(
      new RegExp(`^(19|2\\d) s ago +register[^]*Known since ${began}.*10 min ago`, 'm'),
    )
    const now = then(0)
    const event = formatEvent({ id: '1', at: now, event: { type: 'listening' } }, plainLook)
    expect(Math.abs(secondOf(event) - secondOf(formatClock(new Date().toISOString()))) % 86_398).toBeLessThanOrEqual(2)
  } finally {
    server.close()
  }
})

/** Of the day. */
function secondOf(clock: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = clock.slice(0, 8).split(':').map(Number)
  return (hours * 60 + minutes) * 60 + seconds
}
