/**
 * The standard health protocol of gRPC (grpc.health.v1), over a library that whoever checks so has to install beside this one: it is
 * looked for when the first such check is done.
 */
import { isIP } from 'node:net'
import { checkServerIdentity, createSecureContext } from 'node:tls'
import type * as GrpcModule from '@grpc/grpc-js'
import type { ChannelCredentials, Client, ClientReadableStream, ServiceError } from '@grpc/grpc-js'
import { messageOf } from '../../core/model/errors.js'
import { opensslCode } from './openssl.js'
import { attemptPatience_ms, patience } from './patience.js'

type Grpc = typeof GrpcModule

/** What a server says of a service: the values of the protocol, by their numbers. */
const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const
export type Serving = (typeof servingStatuses)[number] | 'NOT_FOUND' | 'UNIMPLEMENTED'

export type GrpcOutcome =
  | { readonly type: 'serving'; readonly serving: Serving }
  /** The server answered something else: the name of its status. */
  | { readonly type: 'other'; readonly status: string }
  /** No connection came about: the code of the system, or what OpenSSL says, where there is one. */
  | { readonly type: 'failed'; readonly code: string }

export interface GrpcTarget {
  /** Addresses, which are tried one after the other, or a name, which is then resolved by this machine. */
  readonly hosts: readonly string[]
  readonly port: number
  /** What the server is called, whatever its address. */
  readonly authority: string
  readonly tls?: { readonly verify: boolean; readonly serverName?: string }
  readonly service: string
  readonly timeout_ms: number
}

/** The library, once it is loaded. */
export class GrpcHealth {
  readonly #grpc: Grpc

  constructor(grpc: Grpc) {
    this.#grpc = grpc
  }

  /** Asks once. @returns gives up */
  check(target: GrpcTarget, tell: (outcome: GrpcOutcome) => void): () => void {
    const request = requestOf(target.service)
    const ask: Ask = (client, answered) => {
      // No deadline: whoever asks has one of his own, which a stall of this process does not use up.
      const call = client.makeUnaryRequest<Buffer, Serving>(
        '/grpc.health.v1.Health/Check',
        (bytes) => bytes,
        readResponse,
        request,
        (error, serving) => answered(error ?? { type: 'serving', serving: serving ?? 'UNKNOWN' }),
      )
      return () => call.cancel()
    }
    return this.#tryEach(target, ask, tell)
  }

  /**
   * Is told by the server of each change, over a connection that stays.
   * @param changed what it says now is not what it said before
   * @param ended that is over, and why @returns ends it
   */
  watch(target: GrpcTarget, changed: () => void, ended: (outcome: GrpcOutcome) => void): () => void {
    let last: Serving | undefined
    const ask: Ask = (client, answered) => {
      const stream: ClientReadableStream<Serving> = client.makeServerStreamRequest<Buffer, Serving>(
        '/grpc.health.v1.Health/Watch',
        (bytes) => bytes,
        readResponse,
        requestOf(target.service),
      )
      stream.on('data', (serving: Serving) => {
        const isNews = last !== undefined && last !== serving
        last = serving
        if (isNews) changed()
      })
      stream.on('error', answered)
      stream.on('end', () => answered({ type: 'other', status: 'OK' }))
      return () => stream.cancel()
    }
    return this.#tryEach(target, ask, ended)
  }

  /** The next address is tried where one takes no connection. @returns gives up */
  #tryEach(target: GrpcTarget, ask: Ask, tell: (outcome: GrpcOutcome) => void): () => void {
    let giveUp = (): void => undefined
    const tryNext = ([host = '', ...others]: readonly string[]): void => {
      const client = this.#connect(target, host)
      const isConnected = (): boolean =>
        client.getChannel().getConnectivityState(false) === this.#grpc.connectivityState.READY
      const goOn = (): void => {
        giveUp()
        tryNext(others)
      }
      const endWait =
        others.length === 0
          ? (): void => undefined
          : patience(attemptPatience_ms(target.timeout_ms, target.hosts.length), () => void (isConnected() || goOn()))
      let isOver = false
      const cancel = ask(client, (answer) => {
        if (isOver) return
        const outcome = answer instanceof Error ? this.#failure(answer, client) : answer
        if (outcome.type === 'failed' && others.length > 0) return goOn()
        endWait()
        tell(outcome)
      })
      giveUp = () => {
        isOver = true
        endWait()
        cancel()
        client.close()
      }
    }
    tryNext(target.hosts)
    return () => giveUp()
  }

  #connect(target: GrpcTarget, host: string): Client {
    const { port, authority, tls } = target
    const family = isIP(host)
    const address =
      family === 6 ? `ipv6:[${host}]:${port}` : family === 4 ? `ipv4:${host}:${port}` : `dns:${host}:${port}`
    const name = nameOf(target)
    return new this.#grpc.Client(address, this.#credentials(target), {
      'grpc.default_authority': authority,
      'grpc.enable_http_proxy': 0,
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1, // one of another check may be waiting after a failure
      'grpc.service_config_disable_resolution': 1,
      'grpc.max_receive_message_length': 4096,
      ...(tls !== undefined && isIP(name) === 0 && { 'grpc.ssl_target_name_override': name }),
    })
  }

  /** Trusts whom other checks over TLS trust, whatever the library would. */
  #credentials(target: GrpcTarget): ChannelCredentials {
    const { credentials } = this.#grpc
    const { tls } = target
    if (tls === undefined) return credentials.createInsecure()
    const context = createSecureContext()
    if (!tls.verify)
      return credentials.createFromSecureContext(context, {
        checkServerIdentity: () => undefined,
        rejectUnauthorized: false,
      })
    const name = nameOf(target)
    return credentials.createFromSecureContext(context, {
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    })
  }

  /** Where there is a connection, it is the server that says so, whatever it says. */
  #failure({ code, details }: ServiceError, client: Client): GrpcOutcome {
    const { status, connectivityState } = this.#grpc
    if (code === status.NOT_FOUND) return { type: 'serving', serving: 'NOT_FOUND' }
    if (code === status.UNIMPLEMENTED) return { type: 'serving', serving: 'UNIMPLEMENTED' }
    const isUnconnected = client.getChannel().getConnectivityState(false) === connectivityState.TRANSIENT_FAILURE
    if (code === status.UNAVAILABLE && isUnconnected) return { type: 'failed', code: codeOf(details) ?? 'UNAVAILABLE' }
    return { type: 'other', status: status[code] ?? String(code) }
  }
}

/** One call over a client. @returns gives up */
type Ask = (client: Client, answered: (answer: GrpcOutcome | ServiceError) => void) => () => void

/** What the certificate of the server has to name. */
function nameOf({ authority, tls }: GrpcTarget): string {
  return (
    tls?.serverName ??
    authority
      .replace(/:\d+$/, '')
      .replace(/^\[|\]$/g, '')
      .replace(/\.$/, '')
  )
}

/** Of failures to connect the library tells no more than a text. */
function codeOf(details: string): string | undefined {
  const [code] = /\b(?:E[A-Z]{3,}|ERR_[A-Z_]+)\b/.exec(details) ?? []
  const known = opensslCode(details) ?? code
  if (known !== undefined) return known
  if (/altnames/i.test(details)) return 'ERR_TLS_CERT_ALTNAME_INVALID'
  return certificateFaults.find(([words]) => details.includes(words))?.[1]
}

/** What OpenSSL says of certificates, and the codes that Node has for it. */
const certificateFaults = [
  ['certificate has expired', 'CERT_HAS_EXPIRED'],
  ['certificate is not yet valid', 'CERT_NOT_YET_VALID'],
  ['unable to verify the first certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['self-signed certificate in certificate chain', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ['self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['unable to get local issuer certificate', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ['certificate', 'CERT_UNTRUSTED'],
] as const

let loading: Promise<GrpcHealth | string> | undefined

/** @returns why it is not there, in words, where it is not */
export function loadGrpc(): Promise<GrpcHealth | string> {
  loading ??= import('@grpc/grpc-js').then(
    (grpc) => new GrpcHealth(grpc),
    (error: unknown) =>
      (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND'
        ? 'checks by grpc need the package @grpc/grpc-js, which is not installed beside rollcall'
        : `the package @grpc/grpc-js cannot be loaded (${messageOf(error)})`,
  )
  return loading
}

/** `HealthCheckRequest {string service = 1}`; what is empty is not sent. */
function requestOf(service: string): Buffer {
  const name = Buffer.from(service)
  if (name.length === 0) return name
  const length = name.length < 128 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7]
  return Buffer.concat([Buffer.from([0x0a, ...length]), name])
}

/** `HealthCheckResponse {ServingStatus status = 1}`; unknown fields are passed over, so far as they are short numbers. */
function readResponse(bytes: Buffer): Serving {
  for (let i = 0; i + 1 < bytes.length; i += 2)
    if (bytes[i] === 0x08) return servingStatuses[bytes[i + 1] ?? 0] ?? 'UNKNOWN'
  return 'UNKNOWN'
}
