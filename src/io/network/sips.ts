/**
 * Reads whoever sends too much in sips: after each piece its stream is left alone for a while, so that what it sends waits at its own end.
 * Even to look at what is thrown away costs time, which others want. It never closes a stream.
 */
import type { Stream } from '@libp2p/interface'

const pause_ms = 100

/** Reads nothing of it for a moment. */
export function sip(stream: Stream): void {
  if (stream.readStatus !== 'readable') return
  stream.pause()
  setTimeout(() => {
    if (stream.readStatus === 'paused') stream.resume()
  }, pause_ms)
}
