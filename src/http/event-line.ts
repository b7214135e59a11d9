/**
 * One client of an answer without end, as far as its connection goes: whether it takes more, whether it is still there, how it ends.
 */
import type { ServerResponse } from 'node:http'
import { beginEventStream } from './event-stream.js'
import { nameOf, type Undelivered } from './undelivered.js'

export const lineLimits = {
  /**
   * Well below the silence after which the server, or a proxy, takes a connection for dead. A daemon that stands still is noticed by the
   * lack of them alone: three missing ones, and its clients look for another.
   */
  heartbeat_ms: 5000,
  /** Who acknowledged nothing of what he was sent for so long is not there any more; six heartbeats. */
  unacknowledged_ms: 30_000,
  /** A quiet connection is asked by the kernel from then on, each second, ten times. */
  keepAlive_ms: 5000,
} as const

export interface EventLineParts {
  readonly response: ServerResponse
  /** Rejects, or throws, where its caller's credentials hold no more. */
  readonly mayStill: (() => unknown) | undefined
  /** Told when it takes more again. */
  readonly onDrain: () => void
}

export class EventLine {
  readonly #parts: EventLineParts
  readonly #response: ServerResponse
  #fullSince: number | undefined
  /** What the other side has acknowledged by now, and since when it is no more than that. */
  #acknowledged = { bytes: -1, since: 0 }

  constructor(parts: EventLineParts) {
    this.#parts = parts
    this.#response = parts.response
  }

  /** It takes no more at present. */
  get isFull(): boolean {
    return this.#fullSince !== undefined
  }

  begin(headers: Readonly<Record<string, string>>): void {
    this.#response.socket?.setKeepAlive(true, lineLimits.keepAlive_ms)
    this.#response.on('drain', () => {
      this.#fullSince = undefined
      this.#parts.onDrain()
    })
    beginEventStream(this.#response, headers, lineLimits.heartbeat_ms)
  }

  write(bytes: string | Buffer): void {
    if (this.#response.writable && !this.#response.write(bytes)) this.#fullSince ??= performance.now()
  }

  /** A client that does not read is not waited for. */
  end(): void {
    if (this.isFull) this.cutOff()
    else this.#response.end()
  }

  /** What it was not given yet is thrown away, here as in the kernel. */
  cutOff(): void {
    const { socket } = this.#response
    // While it is being shut down a connection cannot be reset.
    if (socket !== null && socket.writableLength > 0) socket.resetAndDestroy()
    this.#response.destroy()
  }

  endUnlessPermitted(): void {
    void (async () => this.#parts.mayStill?.())().catch(() => this.end())
  }

  /**
   * A connection that was closed is told of by the kernel; a cable that was pulled, or a machine that is gone, is not.
   * @param undelivered absent where this system does not tell: then it counts how long nothing more could be written
   */
  cutOffUnlessThere(undelivered: Undelivered | undefined, now: number): void {
    const { socket } = this.#response
    const name = socket === null ? undefined : nameOf(socket)
    if (undelivered === undefined) return this.#cutOffAfter(this.#fullSince ?? now, now)
    const waiting = name === undefined ? undefined : undelivered.get(name)
    if (socket === null || waiting === undefined) return
    const bytes = socket.bytesWritten - socket.writableLength - waiting
    if (waiting === 0 || bytes > this.#acknowledged.bytes) this.#acknowledged = { bytes, since: now }
    else this.#cutOffAfter(this.#acknowledged.since, now)
  }

  #cutOffAfter(since: number, now: number): void {
    if (now - since >= lineLimits.unacknowledged_ms) this.cutOff()
  }
}
