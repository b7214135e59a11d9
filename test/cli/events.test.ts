/** `rollcall watch`: the line that is made of each event, and what is said when the daemon goes away. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { formatEvent } from '../../src/cli/events.js'
import { plainLook } from '../../src/cli/table.js'
import type { NewsItem } from '../../src/core/views.js'
import { startCli } from './run.js'

const at = '2026-11-24T12:00:00.000Z'
const hidden = { type: 'instance', id: 'i-1', slug: 'web', change: 'hidden' } as const
const died = { type: 'member', peer: '12D3', nodeId: 'node-b', from: 'hidden', to: 'dead', why: 'silent' } as const
const wire = (id: string, event: NewsItem['event']): string =>
  `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify({ at, ...event })}\n\n`

test('events are printed as they come, across a daemon that goes away, until Ctrl-C', async () => {
  const answers: ((response: ServerResponse) => void)[] = [
    (response) => response.end(wire('a-1', hidden)),
    (response) => void response.write(wire('a-2', { ...hidden, id: 'i-2' })),
  ]
  const asked: string[] = []
  const http = createServer((request, response) => {
    if (request.url === '/v1/self') return response.end('{"nodeId":"abc"}')
    asked.push(`${request.url} ${request.headers['last-event-id'] ?? ''}`)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    return answers.shift()!(response)
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const { child, outcome } = startCli(['watch', '--slug', 'web', '--json', '--server', server])
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (text.includes('a-2')) child.kill('SIGINT')
  })
  const { code, stdout, stderr } = await outcome
  http.closeAllConnections()
  http.close()
  const items = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as NewsItem)
  expect(items).toEqual([
    { id: 'a-1', at, event: hidden },
    { id: 'a-2', at, event: { ...hidden, id: 'i-2' } },
  ])
  expect(code).toBe(0)
  expect(stderr).toMatch(/^rollcall: no daemon answers at .*; trying again\nrollcall: .* answers again\n$/)
  expect(asked[0]).toContain('slug=web')
  expect(asked[1]).toContain('a-1')
})

describe('a line', () => {
  const line = (event: NewsItem['event']): string =>
    formatEvent({ id: 'a-1', at, event }, plainLook).slice('12:00:00'.length)

  test('says who became what, and why', () => {
    expect(line(died)).toBe('  member    node-b  hidden → dead  silent')
    expect(line(hidden)).toBe('  instance  web  i-1  hidden')
    const instance = { id: 'i-1', url: 'http://10.0.0.7:80', status: 'Healthy' } as const
    expect(line({ ...hidden, change: 'shown', instance })).toBe(
      '  instance  web  i-1  shown  http://10.0.0.7:80  Healthy',
    )
    expect(line({ type: 'reset' })).toBe('  events were missed here')
  })
})
