/**
 * The ways to ask a service whether it is well: by a connection, or by one HTTP request. They tell what came of it, once;
 * how long is too long, and what an outcome makes of an instance, is for the caller.
 */
import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { lookupBy } from '../names.js'
import type { Address } from '../names/files.js'
import { httpRequest, StatusReader } from './http.js'

/** What one probe asks. */
export type Asking = { readonly type: 'tcp' } | { readonly type: 'http' | 'https'; readonly path: string }

export interface Endpoint {
  readonly host: string
  readonly port: number
  /** `user:password`, as the url carries it. */
  readonly userinfo?: string
  /** What the name of the host stands for; absent: it is an address, or for whoever connects to find out. */
  readonly addresses?: readonly Address[]
}

/** How to connect; tests bring a network of their own. */
export type Dial = (options: TcpNetConnectOpts) => Socket

export type Outcome =
  | { readonly type: 'accepted' }
  /** HTTP: the status line has come. */
  | { readonly type: 'answered'; readonly status: number }
  | { readonly type: 'failed'; readonly code: string; readonly connected: boolean }

/** The code of a failure: what was answered is no HTTP. */
export const notHttp = 'NOT_HTTP'

/** Begins to ask. May throw, where the system does. @returns gives up and closes; more than once, too */
export type Probe = (endpoint: Endpoint, tell: (outcome: Outcome) => void) => () => void

/** Before the next address of a name is tried: by default Node gives up on each that is further away than 250 ms. */
const addressPatience_ms = 1000

export function probeFor(check: Asking, dial: Dial = connect): Probe {
  if (check.type === 'tcp') return (endpoint, tell) => probeTcp(endpoint, dial, tell)
  return (endpoint, tell) => probeHttp(check, endpoint, dial, tell)
}

function probeTcp(endpoint: Endpoint, dial: Dial, tell: (outcome: Outcome) => void): () => void {
  const socket = dial(placeOf(endpoint))
  socket.on('error', (error) => tell(failure(error, false)))
  socket.once('connect', () => tell(isItsOwnPeer(socket) ? refused : { type: 'accepted' }))
  return () => void socket.destroy()
}

/** One request on a connection of its own. */
function probeHttp(
  check: Asking & { type: 'http' | 'https' },
  endpoint: Endpoint,
  dial: Dial,
  tell: (outcome: Outcome) => void,
): () => void {
  const socket = check.type === 'http' ? dial(placeOf(endpoint)) : dialTls(endpoint)
  const reader = new StatusReader()
  let connected = false
  const take = (status: number | 'no HTTP' | undefined): void => {
    if (typeof status === 'number') tell({ type: 'answered', status })
    else if (status === 'no HTTP') tell({ type: 'failed', code: notHttp, connected: true })
  }
  socket.on('error', (error) => {
    take(reader.end()) // a reset may come right behind the answer
    tell(failure(error, connected))
  })
  socket.once('connect', () => {
    connected = true
    if (isItsOwnPeer(socket)) tell(refused)
  })
  socket.on('data', (bytes: Buffer) => take(reader.read(bytes)))
  socket.once('end', () => {
    take(reader.end())
    tell({ type: 'failed', code: 'ECONNRESET', connected })
  })
  socket.write(httpRequest({ ...check, ...endpoint }))
  return () => void socket.destroy()
}

function dialTls(endpoint: Endpoint): Socket {
  const servername = isIP(endpoint.host) === 0 ? { servername: endpoint.host.replace(/\.$/, '') } : {}
  return connectTls({ ...placeOf(endpoint), ...servername, ALPNProtocols: ['http/1.1'] })
}

function placeOf({ host, port, addresses }: Endpoint): TcpNetConnectOpts {
  if (addresses === undefined) return { host, port }
  return {
    host,
    port,
    autoSelectFamilyAttemptTimeout: addressPatience_ms,
    lookup: lookupBy(() => Promise.resolve(addresses)),
  }
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
