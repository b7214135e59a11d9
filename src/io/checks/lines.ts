/**
 * Connections that are kept to instances, so that their end is known at once. It connects once when it is told to; what an end means, or
 * when to try again, is for others.
 */
import { quarterOfDescriptors } from '../../config/descriptors.js'
import type { LineNews } from '../../core/effects.js'
import { patience } from './patience.js'
import { type Asking, type Dial, dialFor, type Endpoint, grpcTarget, isItsOwnPeer, type Tls } from './probes.js'

/** Whoever sends more, unasked, is read no more. */
const bytesLimit = 1024 * 1024
/** A program that is killed closes its connections before its port is free: whoever looks at once finds it well. */
const dying_ms = 20
/** By when the kernel asks a silent machine whether it is still there. */
const keepAlive_ms = 30_000

export interface LineTarget {
  readonly endpoint: Endpoint
  readonly asking: Asking
  readonly timeout_ms: number
}

export type TellLine = (news: LineNews) => void

/** One connection, until whatever ends it first. */
class Line {
  readonly #tell: TellLine
  readonly #forget: () => void
  #disconnect: (() => void) | undefined
  #isOver = false

  constructor(tell: TellLine, forget: () => void) {
    this.#tell = tell
    this.#forget = forget
  }

  /** @param disconnect what ends it */
  begin(disconnect: () => void): void {
    this.#disconnect = disconnect
    if (this.#isOver) disconnect()
  }

  changed(): void {
    if (!this.#isOver) this.#tell('changed')
  }

  ended(news: LineNews): void {
    if (this.#isOver) return
    this.letGo()
    if (news !== 'closed') return this.#tell(news)
    setTimeout(() => this.#tell(news), dying_ms).unref()
  }

  /** Without a word. */
  letGo(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#forget()
    this.#disconnect?.()
  }
}

export class Lines {
  readonly #lines = new Map<string, Line>()
  readonly #isOurs: (code: string) => boolean
  readonly #dial: Dial | undefined
  readonly #most: number | undefined

  /** @param isOurs whether the code of a failure says that it is one of this machine */
  constructor(isOurs: (code: string) => boolean, dial: Dial | undefined, most: number | undefined) {
    this.#isOurs = isOurs
    this.#dial = dial
    this.#most = most
  }

  /** Connects. @param target undefined where there is nothing to connect to */
  open(id: string, target: LineTarget | undefined, tell: TellLine): void {
    this.close(id)
    const most = this.#most ?? quarterOfDescriptors()
    if (target === undefined) return void process.nextTick(tell, 'ours')
    if (this.#lines.size >= most) return void process.nextTick(tell, 'no room')
    const line = new Line(tell, () => this.#lines.get(id) === line && this.#lines.delete(id))
    this.#lines.set(id, line)
    try {
      line.begin(this.#begin(target, line))
    } catch {
      process.nextTick(() => line.ended('ours'))
    }
  }

  /** @returns what ends it */
  #begin({ endpoint, asking, timeout_ms }: LineTarget, line: Line): () => void {
    if (asking.type !== 'grpc') return this.#connect({ endpoint, tls: asking.tls, timeout_ms }, line)
    const target = grpcTarget(asking, endpoint, timeout_ms)
    // A server that knows no such service, or no watching, is not gone.
    return asking.health.watch(
      target,
      () => line.changed(),
      ({ type }) => line.ended(type === 'serving' ? 'ours' : 'closed'),
    )
  }

  #connect(
    { endpoint, tls, timeout_ms }: Omit<LineTarget, 'asking'> & { readonly tls: Tls | undefined },
    line: Line,
  ): () => void {
    const socket = dialFor(tls, { ...endpoint, timeout_ms }, this.#dial)
    const giveUp = patience(timeout_ms, () => line.ended('closed'))
    let bytes = 0
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      giveUp()
      if (isItsOwnPeer(socket)) return line.ended('closed')
      socket.setKeepAlive(true, keepAlive_ms)
    })
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => line.ended(this.#isOurs(code) ? 'ours' : 'closed'))
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > bytesLimit) line.ended('ours')
    })
    for (const event of ['end', 'close']) socket.once(event, () => line.ended('closed'))
    return () => {
      giveUp()
      socket.destroy()
    }
  }

  /** Lets go of a connection, if there is one; that is no news. */
  close(id: string): void {
    this.#lines.get(id)?.letGo()
  }

  closeAll(): void {
    for (const id of [...this.#lines.keys()]) this.close(id)
  }
}
