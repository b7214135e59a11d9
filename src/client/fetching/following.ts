/**
 * Ends calls with a signal of their caller, which holds none of them. `AbortSignal.any` would do it, but in Node 20 a signal that lives as
 * long as its program, and goes with every call, keeps a trace of each.
 */
import { onAbort } from '../aborting.js'

const forgotten = new FinalizationRegistry<() => void>((end) => end())

/**
 * Aborts as the signal does, with its reason, for as long as somebody else holds the controller.
 * @returns ends that
 */
export function follow(signal: AbortSignal, abort: AbortController): () => void {
  if (signal.aborted) abort.abort(signal.reason)
  const ref = new WeakRef(abort)
  const end = onAbort(signal, () => ref.deref()?.abort(signal.reason))
  forgotten.register(abort, end, ref)
  return () => {
    end()
    forgotten.unregister(ref)
  }
}

const holders = new WeakMap<object, AbortController>()

/** From now on by an answer, for as long as that may be read; one without a body has nothing to read. */
export function isHeldBy({ body }: Response, abort: AbortController): boolean {
  if (body === null) return false
  holders.set(body, abort)
  return true
}
