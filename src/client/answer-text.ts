/**
 * Reads the whole text of an answer, for as long as somebody waits for it. It has a largest size.
 */

/** The register of the largest cluster that is tested is a fifth of it; a text of Node can hardly be longer. */
const longest_bytes = 256 * 1024 * 1024

/**
 * @param signal lets go of the connection; `text` of a response would not, once Node 20 has forgotten the signal that it was asked with,
 * which holds a program for as long as the other end sends something
 * @throws the reason of the signal; an Error where it is too long
 */
export async function textOfAnswer({ body }: Response, signal: AbortSignal): Promise<string> {
  if (body === null) return ''
  const reader = body.getReader()
  const letGo = (): void => void reader.cancel(signal.reason).catch(() => undefined)
  signal.addEventListener('abort', letGo, { once: true })
  try {
    const decoder = new TextDecoder()
    let [text, length] = ['', 0]
    for (;;) {
      signal.throwIfAborted()
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      if (length > longest_bytes) throw new Error(`its answer is longer than ${longest_bytes} bytes`)
      text += decoder.decode(value, { stream: true })
    }
    signal.throwIfAborted()
    return text + decoder.decode()
  } catch (error) {
    letGo()
    throw error
  } finally {
    signal.removeEventListener('abort', letGo)
  }
}
