/**
 * How an answer of server-sent events begins, whatever is told by it.
 */
import type { ServerResponse } from 'node:http'

/** @param headers what the framework would have said beside the body */
export function beginEventStream(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  response.on('error', () => undefined) // it is closed then, and forgotten
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Proxies of the nginx kind would wait for more.
    'x-accel-buffering': 'no',
    connection: 'close',
  })
}
