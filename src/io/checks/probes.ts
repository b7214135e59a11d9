/**
 * The ways to ask a service whether it is well: by a connection, by one HTTP request, or by the health protocol of gRPC. They tell what
 * came of it, once; how long is too long, and what an outcome makes of an instance, is for the caller.
 */
import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net'
import { checkServerIdentity, connect as connectTls } from 'node:tls'
import type { CheckHeaders, HttpMethod, StatusRange } from '../../core/model/check.js'
import { lookupBy } from '../names.js'
import type { Address } from '../names/files.js'
import type { GrpcHealth, GrpcOutcome, GrpcTarget } from './grpc.js'
import { httpRequest, StatusReader } from './http.js'
import { opensslCode } from './openssl.js'
import { attemptPatience_ms } from './patience.js'

/** How TLS is spoken, where it is. */
export interface Tls {
  readonly verify: boolean
  readonly serverName?: string
}

/** What one probe asks. */
export type Asking =
  | { readonly type: 'tcp'; readonly tls?: Tls }
  | {
      readonly type: 'http' | 'https'
      readonly path: string
      readonly method: HttpMethod
      readonly statuses: readonly StatusRange[]
      readonly headers: CheckHeaders
      readonly tls?: Tls
    }
  | { readonly type: 'grpc'; readonly service: string; readonly health: GrpcHealth; readonly tls?: Tls }

export interface Endpoint {
  readonly host: string
  readonly port: number
  /** `user:password`, as the url carries it. */
  readonly userinfo?: string
  /** What the name of the host stands for; absent: it is an address, or for whoever connects to find out. */
  readonly addresses?: readonly Address[]
}

/** Where to connect, within which time. */
type Place = Endpoint & { readonly timeout_ms: number }

/** How to connect; tests bring a network of their own. */
export type Dial = (options: TcpNetConnectOpts) => Socket

export type Outcome =
  | { readonly type: 'accepted' }
  /** HTTP: the status line has come. */
  | { readonly type: 'answered'; readonly status: number }
  | (GrpcOutcome & { readonly type: 'serving' | 'other' })
  | { readonly type: 'failed'; readonly code: string; readonly connected: boolean }

/** Codes of failures: what was answered is no HTTP, or no gRPC. */
export const notHttp = 'NOT_HTTP'
export const notGrpc = 'NOT_GRPC'

/** Begins to ask. May throw, where the system does. @returns gives up and closes; more than once, too */
export type Probe = (endpoint: Endpoint, tell: (outcome: Outcome) => void) => () => void

export function probeFor(check: Asking, timeout_ms: number, dial: Dial = connect): Probe {
  switch (check.type) {
    case 'tcp':
      return (endpoint, tell) => probeTcp(check, { ...endpoint, timeout_ms }, dial, tell)
    case 'grpc':
      return (endpoint, tell) =>
        check.health.check(grpcTarget(check, endpoint, timeout_ms), (outcome) => tell(outcomeOfGrpc(outcome)))
    default:
      return (endpoint, tell) => probeHttp(check, { ...endpoint, timeout_ms }, dial, tell)
  }
}

function probeTcp({ tls }: Asking, endpoint: Place, dial: Dial, tell: (outcome: Outcome) => void): () => void {
  const socket = dialFor(tls, endpoint, dial)
  let connected = false
  socket.on('error', (error) => {
    const failed = failure(error, connected)
    tell(tls === undefined && failed.connected ? { type: 'accepted' } : failed)
  })
  socket.once('connect', () => {
    connected = tls !== undefined
    if (isItsOwnPeer(socket)) tell(refused)
    else if (tls === undefined) tell({ type: 'accepted' })
  })
  if (tls === undefined) return () => void socket.destroy()
  socket.once('secureConnect', () => tell({ type: 'accepted' }))
  socket.once('end', () => tell({ type: 'failed', code: 'ECONNRESET', connected }))
  return () => void socket.destroy()
}

/** One request on a connection of its own. */
function probeHttp(
  check: Asking & { type: 'http' | 'https' },
  endpoint: Place,
  dial: Dial,
  tell: (outcome: Outcome) => void,
): () => void {
  const socket = dialFor(check.tls, endpoint, dial, ['http/1.1'])
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
  socket.write(httpRequest({ ...check, ...endpoint }), 'latin1')
  return () => void socket.destroy()
}

/**
 * Connects, with TLS where that is spoken: then `secureConnect` follows `connect`.
 * @param protocols what is going to be spoken over TLS; servers hang up on those who offer only what they do not know
 */
export function dialFor(tls: Tls | undefined, place: Place, dial: Dial = connect, protocols?: string[]): Socket {
  if (tls === undefined) return dial(placeOf(place))
  const name = tls.serverName ?? (isIP(place.host) === 0 ? place.host.replace(/\.$/, '') : undefined)
  return connectTls({
    ...placeOf(place),
    // An address is no name to ask for (RFC 6066), but may be what a certificate has to name.
    ...(name !== undefined && isIP(name) === 0 && { servername: name }),
    ...(name !== undefined && { checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate) }),
    ...(!tls.verify && { rejectUnauthorized: false }),
    ...(protocols !== undefined && { ALPNProtocols: protocols }),
  })
}

export function grpcTarget(
  { service, tls }: Asking & { type: 'grpc' },
  { host, port, addresses }: Endpoint,
  timeout_ms: number,
): GrpcTarget {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const hosts = addresses?.map(({ address }) => address) ?? [host]
  return { hosts, port, authority, service, timeout_ms, ...(tls !== undefined && { tls }) }
}

function outcomeOfGrpc(outcome: GrpcOutcome): Outcome {
  if (outcome.type !== 'failed') return outcome
  if (outcome.code === 'UNAVAILABLE') return { type: 'failed', code: notGrpc, connected: true }
  const isOfTls = outcome.code === 'EPROTO' || /CERT|^(?:ERR|UNABLE)_/.test(outcome.code)
  return { type: 'failed', code: outcome.code, connected: isOfTls || outcome.code === 'ECONNRESET' }
}

function placeOf({ host, port, addresses, timeout_ms }: Place): TcpNetConnectOpts {
  if (addresses === undefined) return { host, port }
  return {
    host,
    port,
    autoSelectFamilyAttemptTimeout: attemptPatience_ms(timeout_ms, addresses.length),
    lookup: lookupBy(() => Promise.resolve(addresses)),
  }
}

const refused: Outcome = { type: 'failed', code: 'ECONNREFUSED', connected: false }

/** Only an established connection can be reset: one may be before we are told that there is one. */
function failure(error: Error, connected: boolean): Outcome & { type: 'failed' } {
  const { code: said = 'unknown error' } = error as NodeJS.ErrnoException
  const code = said === 'EPROTO' ? (opensslCode(error.message) ?? said) : said
  return { type: 'failed', code, connected: connected || code === 'ECONNRESET' }
}

/** TCP can connect a port to itself, when nobody listens there and the kernel draws it as the port to call from. */
export function isItsOwnPeer(socket: Socket): boolean {
  const { localPort, remotePort, localAddress, remoteAddress } = socket
  return localPort !== undefined && localPort === remotePort && localAddress === remoteAddress
}
