/**
 * Reads a stream of server-sent events (the text/event-stream of HTML): bytes in, events out. It connects to nothing.
 */

export interface ServerSentEvent {
  /** That of the last event that had one; empty before. */
  readonly id: string
  readonly type: string
  readonly data: string
}

/** Characters of one event: far above any news of a daemon. */
const newsLength = 1024 * 1024

export interface Signs {
  /** Told of every sign of life, comments included. */
  readonly onBytes: () => void
  /** Told of each id that comes without an event: to go on from there, should the stream end. */
  readonly onId?: (id: string) => void
  /** Characters that one event may have. */
  readonly longest?: number
}

/**
 * The events that are complete; one that the stream cuts short is left out, as the standard says.
 * @param signal ends it, quietly
 * @throws Error where an event exceeds every sense
 */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  { onBytes, onId, longest = newsLength }: Signs,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const draft = { id: '', type: '', data: [] as string[], length: 0 }
  let lastId = ''
  for await (const line of readLines(stream, signal, onBytes, longest)) {
    draft.length += line.length
    if (draft.length > longest) throw new Error(`an event is longer than ${longest} characters`)
    if (line !== '') {
      readField(line, draft)
      continue
    }
    if (draft.data.length > 0) {
      yield { id: draft.id, type: draft.type === '' ? 'message' : draft.type, data: draft.data.join('\n') }
    } else if (draft.id !== lastId) onId?.(draft.id)
    lastId = draft.id
    Object.assign(draft, { type: '', data: [], length: 0 })
  }
}

function readField(line: string, draft: { id: string; type: string; data: string[] }): void {
  const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
  if (name === 'data') draft.data.push(value)
  if (name === 'event') draft.type = value
  if (name === 'id' && !value.includes('\0')) draft.id = value
}

/**
 * The signal is listened to here, whoever made the stream: Node 20's fetch forgets the one that it was given once the garbage
 * collector has taken its request, some seconds into a long answer, and then reads on for ever.
 */
async function* readLines(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  onBytes: () => void,
  longest: number,
): AsyncGenerator<string> {
  const reader = stream.getReader()
  const cancel = (): void => void reader.cancel().catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      onBytes()
      const text = decoder.decode(value, { stream: true })
      // A list of thousands is one line in many pieces, each of which is looked through once.
      const mayEnd = /[\r\n]/.test(text) || rest.endsWith('\r')
      rest += text
      if (rest.length > longest) throw new Error(`a line is longer than ${longest} characters`)
      if (!mayEnd) continue
      // A final CR may be the first half of a CRLF: it waits for what follows.
      const lines = rest.split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() as string
      yield* lines
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    await reader.cancel().catch(() => undefined)
  }
}
