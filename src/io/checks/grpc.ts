/**
 * The standard health protocol of gRPC (grpc.health.v1), over a library that whoever checks so has to install beside this one: it is
 * looked for when the first such check is done.
 */
import type { ChannelCredentials, Client, ClientReadableStream, ServiceError } from '@grpc/grpc-js'
import { messageOf } from '../../core/errors.js'

type Grpc = typeof import('@grpc/grpc-js')

/** What a server says of a service: the values of the protocol, by their numbers. */
const servingStatuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const
export type Serving = (typeof servingStatuses)[number] | 'NOT_FOUND' | 'UNIMPLEMENTED'

export type GrpcOutcome =
  | { readonly type: 'serving'; readonly serving: Serving }
  /** The server answered something else: the name of its status. */
  | { readonly type: 'other'; readonly status: string }
  /** Nobody answered: the code of the system where there is one. */
  | { readonly type: 'failed'; readonly code: string }

export interface GrpcTarget {
  /** An address, or a name, which is then resolved by this machine. */
  readonly host: string
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
    const client = this.#connect(target)
    const request = requestOf(target.service)
    const call = client.makeUnaryRequest<Buffer, Serving>(
      '/grpc.health.v1.Health/Check',
      (bytes) => bytes,
      readResponse,
      request,
      { deadline: Date.now() + 2 * target.timeout_ms }, // whoever asks has a deadline of his own
      (error, serving) =>
        tell(error === null ? { type: 'serving', serving: serving ?? 'UNKNOWN' } : this.#failure(error)),
    )
    return () => {
      call.cancel()
      client.close()
    }
  }

  /**
   * Is told by the server of each change, over a connection that stays.
   * @param changed what it says now is not what it said before
   * @param ended that is over, and why @returns ends it
   */
  watch(target: GrpcTarget, changed: () => void, ended: (outcome: GrpcOutcome) => void): () => void {
    const client = this.#connect(target)
    const stream: ClientReadableStream<Serving> = client.makeServerStreamRequest<Buffer, Serving>(
      '/grpc.health.v1.Health/Watch',
      (bytes) => bytes,
      readResponse,
      requestOf(target.service),
    )
    let last: Serving | undefined
    stream.on('data', (serving: Serving) => {
      const isNews = last !== undefined && last !== serving
      last = serving
      if (isNews) changed()
    })
    stream.on('error', (error: ServiceError) => ended(this.#failure(error)))
    stream.on('end', () => ended({ type: 'other', status: 'OK' }))
    return () => {
      stream.cancel()
      client.close()
    }
  }

  #connect(target: GrpcTarget): Client {
    const { host, port, authority } = target
    const address = host.includes(':')
      ? `ipv6:[${host}]:${port}`
      : /^[\d.]+$/.test(host)
        ? `ipv4:${host}:${port}`
        : `dns:${host}:${port}`
    return new this.#grpc.Client(address, this.#credentials(target), {
      'grpc.default_authority': authority,
      'grpc.enable_http_proxy': 0,
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1, // one of another check may be waiting after a failure
      'grpc.service_config_disable_resolution': 1,
      'grpc.max_receive_message_length': 4096,
      ...(target.tls !== undefined && {
        'grpc.ssl_target_name_override': target.tls.serverName ?? authority.replace(/:\d+$/, ''),
      }),
    })
  }

  #credentials({ tls }: GrpcTarget): ChannelCredentials {
    const { credentials } = this.#grpc
    if (tls === undefined) return credentials.createInsecure()
    if (tls.verify) return credentials.createSsl()
    return credentials.createSsl(null, null, null, { checkServerIdentity: () => undefined, rejectUnauthorized: false })
  }

  #failure(error: ServiceError): GrpcOutcome {
    const { status } = this.#grpc
    if (error.code === status.NOT_FOUND) return { type: 'serving', serving: 'NOT_FOUND' }
    if (error.code === status.UNIMPLEMENTED) return { type: 'serving', serving: 'UNIMPLEMENTED' }
    if (error.code !== status.UNAVAILABLE && error.code !== status.DEADLINE_EXCEEDED && error.code !== status.CANCELLED)
      return { type: 'other', status: status[error.code] ?? String(error.code) }
    const [code] = /\b(?:E[A-Z]{3,}|ERR_[A-Z_]+|[A-Z_]*CERT[A-Z_]*)\b/.exec(error.details) ?? []
    if (code !== undefined) return { type: 'failed', code }
    return { type: 'failed', code: error.code === status.DEADLINE_EXCEEDED ? 'ETIMEDOUT' : 'UNAVAILABLE' }
  }
}

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
