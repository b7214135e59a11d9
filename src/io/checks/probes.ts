/**
 * The ways to ask a service whether it is well: by a connection, or by one HTTP request. They tell what came of it, once;
 * how long is too long, and what an outcome makes of an instance, is for the caller.
 */
import { request as httpRequest, type ClientRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { Check } from '../../core/check.js'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** How to connect; tests bring a network of their own. */
export type Dial = (options: TcpNetConnectOpts) => Socket

export type Outcome =
  | { readonly type: 'accepted' }
  /** HTTP: the status line has come. */
  | { readonly type: 'answered'; readonly status: number }
  | { readonly type: 'failed'; readonly code: string; readonly connected: boolean }

/** Begins to ask. May throw, where the system does. @returns gives up and closes; more than once, too */
export type Probe = (endpoint: Endpoint, tell: (outcome: Outcome) => void) => () => void

export function probeFor(check: Exclude<Check, { type: 'none' }>, dial: Dial = connect): Probe {
  if (check.type === 'tcp') return (endpoint, tell) => probeTcp(endpoint, dial, tell)
  return (endpoint, tell) => probeHttp(check, endpoint, tell)
}

function probeTcp(endpoint: Endpoint, dial: Dial, tell: (outcome: Outcome) => void): () => void {
  const socket = dial({ ...endpoint })
  socket.on('error', (error) => tell(failure(error, false)))
  socket.once('connect', () => tell(isItsOwnPeer(socket) ? refused : { type: 'accepted' }))
  return () => void socket.destroy()
}

/** One request on a connection of its own, by a client without patience: no redirect is followed, no body read. */
function probeHttp(check: Check & { path: string }, endpoint: Endpoint, tell: (outcome: Outcome) => void): () => void {
  const options: RequestOptions = {
    ...endpoint,
    path: check.path,
    agent: false,
    headers: { accept: '*/*', connection: 'close', 'user-agent': 'rollcall-check' },
  }
  let connected = false
  const asked: ClientRequest = check.type === 'http' ? httpRequest(options) : httpsRequest(options)
  asked.on('error', (error) => tell(failure(error, connected)))
  asked.once('socket', (socket) =>
    socket.once('connect', () => {
      connected = true
      if (isItsOwnPeer(socket)) tell(refused)
    }),
  )
  asked.once('response', (response) => {
    response.on('error', () => undefined) // cut off by us
    tell({ type: 'answered', status: response.statusCode ?? 0 })
  })
  asked.end()
  return () => void asked.destroy()
}

const refused: Outcome = { type: 'failed', code: 'ECONNREFUSED', connected: false }

function failure(error: Error, connected: boolean): Outcome {
  return { type: 'failed', code: (error as NodeJS.ErrnoException).code ?? 'unknown error', connected }
}

/** TCP can connect a port to itself, when nobody listens there and the kernel draws it as the port to call from. */
function isItsOwnPeer(socket: Socket): boolean {
  const { localPort, remotePort, localAddress, remoteAddress } = socket
  return localPort !== undefined && localPort === remotePort && localAddress === remoteAddress
}
