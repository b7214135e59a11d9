/**
 * What a caller hands to `fetch`, in a form that can be sent again where that is possible at all. It refuses what fetch itself would,
 * before anybody is asked, so that no instance is blamed for it.
 */
import { pause } from '../pause.js'

export interface Sendable {
  /** As it counts: in capitals. */
  readonly method: string
  readonly headers: Headers
  readonly signal: AbortSignal | undefined
  /** All but the signal. */
  readonly init: RequestInit
  readonly isRepeatable: boolean
}

/** Of a body that comes as a stream. */
export const ahead = {
  /** So much of it is held, to be sent again; a single piece is held whole, as it is in memory already. */
  longest_bytes: 1024 * 1024,
  /** Whoever speaks so slowly is not waited for. */
  lull_ms: 100,
} as const

/**
 * @param toUrl a url of http in place of what it is asked for by, whose scheme fetch does not know
 * @throws TypeError as fetch does
 */
export function sendableOf(
  input: string | URL | Request,
  { signal, ...given }: RequestInit,
  toUrl: () => string,
): Sendable | Promise<Sendable> {
  if (isRequest(input))
    return ofRequest(new Request(input, { ...given, ...(signal !== undefined && { signal }) }), given)
  // Also of what can be read once, as an iterator.
  const headers = new Headers(given.headers)
  const init = { ...given, headers }
  const method = (given.method ?? 'GET').toString().toUpperCase()
  const whole = isWhole(given.body)
  if (!isOrdinary(given, method, whole) || !isSignal(signal)) {
    const body = given.body === null || given.body === undefined ? given.body : whole ? '' : streamOf(given.body)
    new Request(toUrl(), { ...init, ...(body !== undefined && { body }), ...(signal !== undefined && { signal }) })
  }
  return { method, headers, signal: signal ?? undefined, init, isRepeatable: whole }
}

export function isRequest(input: unknown): input is Request {
  return typeof Request === 'function' && input instanceof Request
}

/** It is not a stream, which can be read once. */
function isWhole(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return true
  const isIterable = Symbol.asyncIterator in body
  const types = [ArrayBuffer, Blob, FormData, URLSearchParams]
  return types.some((type) => body instanceof type) || ArrayBuffer.isView(body) || !(isIterable || isStream(body))
}

function isStream(body: unknown): body is ReadableStream {
  return typeof ReadableStream === 'function' && body instanceof ReadableStream
}

/** What may be wrong with a stream can be seen of the stream alone; to look at what is iterated over would begin it. */
function streamOf(body: unknown): ReadableStream {
  return isStream(body) ? body : new ReadableStream()
}

const ordinary: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const usual: ReadonlySet<string> = new Set(['method', 'headers', 'body', 'dispatcher'])

/** There is nothing in it that fetch could refuse: most calls are so, and to make a Request of each costs as much as all the rest. */
function isOrdinary(init: RequestInit, method: string, isWhole: boolean): boolean {
  if (!ordinary.has(method) || !isWhole) return false
  if (init.body !== undefined && init.body !== null && (method === 'GET' || method === 'HEAD')) return false
  for (const name in init) if (!usual.has(name)) return false
  return true
}

function isSignal(signal: unknown): boolean {
  return signal === undefined || signal === null || signal instanceof AbortSignal
}

/** Fetch would send the body of one Request in place of another as a stream: without its length, and without following a redirect. */
async function ofRequest(request: Request, given: RequestInit): Promise<Sendable> {
  const { method, headers, signal, body } = request
  const { redirect, credentials, cache, mode, integrity, keepalive, referrerPolicy } = request
  const { body: _1, headers: _2, method: _3, ...beside } = given // among them what only this platform knows, such as undici's dispatcher
  const init = {
    ...{ ...beside, method, headers, redirect, credentials, cache, mode, integrity, keepalive, referrerPolicy },
  }
  const read = body === null ? undefined : await readAhead(body)
  return {
    ...{ method: method.toUpperCase(), headers, signal, isRepeatable: read?.isWhole ?? true },
    init: read === undefined ? init : { ...init, body: read.body, ...(!read.isWhole && { duplex: 'half' }) },
  }
}

/** Whole, where all of it comes at once, as what was a text or a form does; else as a stream again. */
async function readAhead(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<{ readonly body: Blob | ReadableStream<Uint8Array>; readonly isWhole: boolean }> {
  const reader = body.getReader()
  const held: Uint8Array<ArrayBuffer>[] = []
  for (let length = 0; ;) {
    const next = reader.read()
    const read = await unlessLater(next)
    // Of bytes themselves Node 20 can make no second request, as a redirect may want.
    if (read?.done === true) return { body: new Blob(held), isWhole: true }
    if (read !== undefined) {
      held.push(read.value)
      length += read.value.byteLength
    }
    if (read !== undefined && (length <= ahead.longest_bytes || held.length === 1)) continue
    return { body: continued(reader, held, read === undefined ? next : undefined), isWhole: false }
  }
}

/** @returns undefined where it takes too long; it goes on all the same */
async function unlessLater<T>(task: Promise<T>): Promise<T | undefined> {
  const over = new AbortController()
  task.catch(() => undefined) // also where it is not waited for any more
  try {
    return await Promise.race([task, pause(ahead.lull_ms, over.signal).then(() => undefined)])
  } catch (cause) {
    throw new TypeError('fetch failed', { cause })
  } finally {
    over.abort()
  }
}

function continued(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  held: readonly Uint8Array[],
  begun: ReturnType<typeof reader.read> | undefined,
): ReadableStream<Uint8Array> {
  const rest = [...held]
  let next = begun
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = rest.shift()
      if (piece !== undefined) return controller.enqueue(piece)
      const { done, value } = await (next ?? reader.read())
      next = undefined
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
