/**
 * Ends calls with a signal of their caller. `AbortSignal.any` would do it, but in Node 20 a signal that lives as long as its program, and
 * goes with every call, keeps a trace of each; and a listener for each is taken for a leak beyond ten.
 */
type Followers = Set<WeakRef<AbortController>>

const followersOf = new WeakMap<AbortSignal, Followers>()
const forgotten = new FinalizationRegistry<{ readonly all: Followers; readonly ref: WeakRef<AbortController> }>(
  ({ all, ref }) => void all.delete(ref),
)

/**
 * Aborts as the signal does, with its reason, for as long as somebody else holds the controller.
 * @returns ends that
 */
export function follow(signal: AbortSignal, abort: AbortController): () => void {
  if (signal.aborted) abort.abort(signal.reason)
  const all = followersOf.get(signal) ?? begin(signal)
  const ref = new WeakRef(abort)
  all.add(ref)
  forgotten.register(abort, { all, ref }, ref)
  return () => {
    all.delete(ref)
    forgotten.unregister(ref)
  }
}

function begin(signal: AbortSignal): Followers {
  const all: Followers = new Set()
  followersOf.set(signal, all)
  const onAbort = (): void => {
    for (const ref of all) ref.deref()?.abort(signal.reason)
    all.clear()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return all
}

const holders = new WeakMap<object, AbortController>()

/** From now on by an answer, for as long as that may be read; one without a body has nothing to read. */
export function isHeldBy({ body }: Response, abort: AbortController): boolean {
  if (body === null) return false
  holders.set(body, abort)
  return true
}
