// News over HTTP, as a client reads them: streams that break, servers that start again, and what is told of the gaps.
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { readEvents, type ServerSentEvent } from '../../src/client/sse.js'
import { createClient, isUnreachable } from '../../src/client.js'
import type { NewsItem } from '../../src/index.js'
import { type Answering, busy, collectGarbage, hangUp, json, nobody, scripted } from './scripted.js'

const at = '2026-11-24T12:00:00.000Z'

interface Sent {
  readonly id: string
  readonly event: { readonly type: string; readonly [field: string]: unknown }
}

function sse(...items: readonly Sent[]): string {
  return items
    .map(({ id, event }) => `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify({ at, ...event })}\n\n`)
    .join('')
}

const shown = (id: string, n: number): Sent => ({
  id: `00000001-${n}`,
  event: { type: 'instance', id, slug: 'web', change: 'shown' },
})

/** Sends these, then keeps the line open or hangs up. */
function streams(text: string, then: 'open' | 'closed' | 'cut' = 'closed'): Answering {
  return (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`: hello\n\n${text}`, () => {
      if (then === 'closed') response.end()
      if (then === 'cut') response.destroy()
    })
  }
}

/** The first few items of a loop, which then ends by `break`. */
async function take(items: AsyncIterable<NewsItem>, count: number): Promise<string[]> {
  const taken: string[] = []
  for await (const { id, event } of items) {
    taken.push(event.type === 'instance' ? `${id} ${event.change} ${event.id}` : `${id} ${event.type}`)
    if (taken.length === count) break
  }
  return taken
}

describe('news of a daemon', () => {
  test('end when their reader says so, also long after they began', async () => {
    const { url } = await scripted(streams(sse(shown('a', 1)), 'open'))
    const end = new AbortController()
    const items = createClient({ server: url }).events({ signal: end.signal })
    expect((await items.next()).value).toMatchObject({ id: '00000001-1' })
    const next = items.next()
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    end.abort()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  test('go on where they were, however the connection ends', async () => {
    const { url, asked } = await scripted(
      streams(sse(shown('a', 1), shown('b', 2)), 'cut'),
      hangUp,
      busy,
      json('<no json>', 502),
      streams(sse(shown('c', 3))),
      streams(sse(shown('d', 4)), 'open'),
    )
    const client = createClient({ server: url })
    expect(await take(client.events({ slug: 'web', type: 'instance' }), 4)).toEqual([
      '00000001-1 shown a',
      '00000001-2 shown b',
      '00000001-3 shown c',
      '00000001-4 shown d',
    ])
    const queries = asked.map((line) => Object.fromEntries(new URLSearchParams(line.split('?')[1])))
    const filters = { slug: 'web', type: 'instance' }
    const after = (n: number): object => ({ ...filters, after: `00000001-${n}` })
    expect(queries).toEqual([filters, after(2), after(2), after(2), after(2), after(3)])
  })

  test('begin where an earlier loop has ended', async () => {
    const { url, asked } = await scripted(streams(sse(shown('b', 2)), 'open'))
    expect(await take(createClient({ server: url }).events({ after: '00000001-1' }), 1)).toEqual(['00000001-2 shown b'])
    expect(asked).toEqual(['GET /v1/events?after=00000001-1'])
  })

  test('say so where a gap cannot be closed: by the daemon, or by the client that has no item to go on from', async () => {
    const reset = { id: '00000002-0', event: { type: 'reset' } }
    const { url } = await scripted(streams(''), streams(sse(reset, shown('a', 1)), 'open'))
    expect(await take(createClient({ server: url }).events(), 3)).toEqual([
      ' reset', // nothing had been read yet when the first connection broke
      '00000002-0 reset',
      '00000001-1 shown a',
    ])
  })

  test('of a type that this client does not know, or unreadable, are left out', async () => {
    const { url } = await scripted(
      streams(
        `id: x-1\nevent: future\ndata: {"at":"${at}"}\n\nid: x-2\nevent: member\ndata: {\n\n${sse(shown('a', 3))}`,
        'open',
      ),
    )
    expect(await take(createClient({ server: url }).events(), 1)).toEqual(['00000001-3 shown a'])
  })

  test('end quietly with the signal: while waiting for news, and while waiting to connect again', async () => {
    const { url } = await scripted(streams(sse(shown('a', 1)), 'open'))
    const abort = new AbortController()
    for await (const item of createClient({ server: url }).events({ signal: abort.signal })) {
      expect(item).toEqual({ id: '00000001-1', at, event: shown('a', 1).event })
      setImmediate(() => abort.abort())
    }
    const { url: broken, asked } = await scripted(
      streams(sse(shown('a', 1))),
      json({ error: 'x' }, 503, { 'retry-after': '600' }),
    )
    const other = new AbortController()
    for await (const item of createClient({ server: broken }).events({ signal: other.signal })) {
      expect(item.id).toBe('00000001-1')
      const timer = setInterval(() => {
        if (asked.length < 2) return
        clearInterval(timer)
        other.abort()
      }, 5)
    }
    expect(asked).toHaveLength(2)
    for await (const item of createClient({ server: url }).events({ signal: AbortSignal.abort() }))
      throw new Error(item.id)
  })

  test('reject where there is no daemon from the beginning, or one that has none', async () => {
    const failureOf = (server: string): Promise<unknown> =>
      take(createClient({ server, attempts: 2 }).events(), 1).catch((error: unknown) => error)
    expect(isUnreachable(await failureOf(await nobody()))).toBe(true)
    const { url, asked } = await scripted(json({ error: 'there is no such path' }, 404))
    expect(await failureOf(url)).toMatchObject({ code: 'not-found', message: 'there is no such path' })
    expect(asked).toHaveLength(1)
  })

  test('move on to another server where one is gone', async () => {
    const { url } = await scripted(streams(sse(shown('a', 1)), 'open'))
    expect(await take(createClient({ servers: [await nobody(), url] }).events(), 1)).toEqual(['00000001-1 shown a'])
  })
})

describe('a stream of events', () => {
  async function read(chunks: readonly string[]): Promise<ServerSentEvent[]> {
    const bytes = new TextEncoder()
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(bytes.encode(chunk))
        controller.close()
      },
    })
    const events: ServerSentEvent[] = []
    for await (const event of readEvents(stream, new AbortController().signal, { onBytes: () => undefined }))
      events.push(event)
    return events
  }

  const text = 'id: 1\nevent: a\ndata: x\ndata: y ü\n\n: comment\n\ndata:z\nunknown\n\nid: 3\ndata: cut short'
  const events: ServerSentEvent[] = [
    { id: '1', type: 'a', data: 'x\ny ü' },
    { id: '1', type: 'message', data: 'z' },
  ]

  test.each(['\n', '\r\n', '\r'])('is read alike with %j at the end of lines, however it is cut', async (end) => {
    const whole = text.replaceAll('\n', end)
    expect(await read([whole])).toEqual(events)
    expect(await read([...whole])).toEqual(events)
  })

  test('with an event beyond every sense is given up', async () => {
    await expect(read([`data: ${'x'.repeat(600_000)}\n`, `data: ${'x'.repeat(600_000)}\n\n`])).rejects.toThrow(/longer/)
    await expect(read(['x'.repeat(1_100_000)])).rejects.toThrow(/longer/)
  })
})
