/**
 * Terminals whose other end takes nothing: whoever writes there is not kept waiting by them.
 */

interface Waiting {
  readonly isTTY?: boolean
  /** Not part of Node's documentation, but what `tty.WriteStream` itself calls. */
  readonly _handle?: { setBlocking?(isBlocking: boolean): unknown } | null
}

/**
 * Node writes to a terminal until all of it is taken, and does nothing else meanwhile: it hears no signal. That is well as long as signals
 * end the process by themselves; whoever answers them has to be able to. What was not taken when the process ends is lost.
 */
export function waitForNoTerminal(): void {
  if (process.platform === 'win32') return
  for (const stream of [process.stdout, process.stderr] as readonly Waiting[]) {
    if (stream.isTTY === true) stream._handle?.setBlocking?.(false)
  }
}
