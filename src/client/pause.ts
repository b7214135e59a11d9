/**
 * Waits a while, or for something, but not for longer than that; nobody has to wait longer than he wants to.
 */
import { onAbort } from './aborting.js'
import { letGo } from './aside.js'

/**
 * Ends early where the signal says so; never rejects.
 * @param isAside a program that has nothing else to do need not wait for it
 */
export function pause(duration_ms: number, signal?: AbortSignal, isAside = false): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve()
    const timer = setTimeout(done, duration_ms)
    if (isAside) letGo(timer)
    const end = signal && onAbort(signal, done)
    function done(): void {
      clearTimeout(timer)
      end?.()
      resolve()
    }
  })
}

/** What the task gives. @throws Error with that message where it takes longer, which ends nothing */
export async function within<T>(duration_ms: number, task: Promise<T>, message: string): Promise<T> {
  const over = new AbortController()
  const late = pause(Math.max(0, duration_ms), over.signal).then(() => Promise.reject(new Error(message)))
  late.catch(() => undefined)
  task.catch(() => undefined) // also where nobody waits for it any more
  try {
    return await Promise.race([task, late])
  } finally {
    over.abort()
  }
}

/** What the task gives. @throws the signal's reason where that aborts first, which ends nothing */
export async function untilAborted<T>(signal: AbortSignal | undefined, begin: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted()
  const task = begin()
  if (signal === undefined) return task
  task.catch(() => undefined) // also where nobody waits for it any more
  let end = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    end = onAbort(signal, () => reject(signal.reason as Error))
  })
  try {
    return await Promise.race([task, aborted])
  } finally {
    end()
  }
}
