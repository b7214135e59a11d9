/**
 * How an answer of server-sent events begins, whatever is told by it.
 */
import type { ServerResponse } from 'node:http'
import { beatHeader, formatBeat } from '../config/beat.js'

/**
 * @param headers what the framework would have said beside the body
 * @param beat_ms how often it shows that it is open
 */
export function beginEventStream(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  beat_ms?: number,
): void {
  response.on('error', () => undefined) // it is closed then, and forgotten
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Proxies of the nginx kind would wait for more.
    'x-accel-buffering': 'no',
    connection: 'close',
    ...(beat_ms !== undefined && { [beatHeader]: formatBeat(beat_ms) }),
  })
}
