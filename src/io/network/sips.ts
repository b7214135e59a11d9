/**
 * Reads streams in sips: a little in one turn of the event loop, so that a quarter of a million frames in one piece hold nobody up. After
 * what was too much it reads nothing for a while: what is sent then waits at its own end. It never closes a stream.
 */
import type { Stream } from '@libp2p/interface'

/** At most a thousand frames, which take a millisecond where they are thrown away; any frame of a heartbeat stream fits into three. */
export const sipBytes = 4 * 1024
const pause_ms = 100

/** Reads nothing of it for a moment. */
export function sip(stream: Stream): void {
  if (stream.readStatus !== 'readable') return
  stream.pause()
  setTimeout(() => resume(stream), pause_ms)
}

/** Reads nothing of it until it is resumed. */
export function pause(stream: Stream | undefined): void {
  if (stream?.readStatus === 'readable') stream.pause()
}

/**
 * Reads all of it, a sip after the other.
 * @param drink given each; false: that was more than whoever sends it may send
 */
export function readInSips(stream: Stream, drink: (bytes: Uint8Array) => boolean): void {
  const goOn = (bytes: Uint8Array): void => {
    if (stream.status === 'aborted') return
    const isFine = drink(bytes.subarray(0, sipBytes))
    const rest = bytes.subarray(sipBytes)
    if (isFine && rest.length === 0) return resume(stream)
    if (stream.readStatus === 'readable') stream.pause()
    const next = (): void => (rest.length > 0 ? goOn(rest) : resume(stream))
    if (isFine) setImmediate(next)
    else setTimeout(next, pause_ms)
  }
  stream.addEventListener('message', ({ data }) => goOn(data.subarray()))
}

/** Where its connection has gone meanwhile nothing more comes of it, and libp2p throws. */
export function resume(stream: Stream | undefined): void {
  if (stream?.readStatus !== 'paused') return
  try {
    stream.resume()
  } catch (error) {
    stream.abort(error as Error)
  }
}
