/**
 * Listens to the signals of callers, by one listener to each, however many wait with it: Node 20 warns of a leak beyond ten. Where nobody
 * waits any more there is none, as Node keeps every composed signal that somebody listens to.
 */
interface Listening {
  readonly runs: Set<{ readonly run: () => void }>
  readonly stop: () => void
}

const listeningTo = new WeakMap<AbortSignal, Listening>()

/**
 * Runs something once the signal aborts; never where it has already. It must not throw.
 * @returns ends that; any number of times
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  const listening = listeningTo.get(signal) ?? listen(signal)
  const one = { run }
  listening.runs.add(one)
  return () => {
    if (listening.runs.delete(one) && listening.runs.size === 0) listening.stop()
  }
}

function listen(signal: AbortSignal): Listening {
  const runs: Listening['runs'] = new Set()
  const runAll = (): void => {
    listeningTo.delete(signal)
    const all = [...runs]
    runs.clear()
    for (const { run } of all) run()
  }
  const stop = (): void => {
    signal.removeEventListener('abort', runAll)
    listeningTo.delete(signal)
  }
  signal.addEventListener('abort', runAll, { once: true })
  const listening = { runs, stop }
  listeningTo.set(signal, listening)
  return listening
}
