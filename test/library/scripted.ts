// A server that does what a test says, request by request: for a client whose daemon is slow, busy, gone or half-way through an answer.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach } from 'vitest'

export type Answering = (response: ServerResponse, request: IncomingMessage) => void

export interface Scripted {
  readonly url: string
  /** `METHOD path` of all that came. */
  readonly asked: string[]
  stop(): Promise<void>
}

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await close(server)
})

async function close(server: Server): Promise<void> {
  if (!server.listening) return
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}

/** Answers the first request by the first, and so on; the last one answers all that follow. */
export async function scripted(...answers: Answering[]): Promise<Scripted> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    answers[Math.min(asked.length, answers.length) - 1]?.(response, request)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, asked, stop: () => close(server) }
}

/** A url at which nobody answers. */
export async function nobody(): Promise<string> {
  const { url, stop } = await scripted()
  await stop()
  return url
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Answering {
  return (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
}

/** Accepts, and says nothing. */
export const silence: Answering = () => undefined
/** Accepts, and hangs up. */
export const hangUp: Answering = (response) => response.destroy()
export const busy = json({ error: 'starting' }, 503, { 'retry-after': '0' })
export const done: Answering = (response) => response.writeHead(204).end()

/** What the garbage collector does within minutes, at once. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  for (let i = 0; i < 5; i++) gc()
}
