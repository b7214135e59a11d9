/**
 * Reads the JSON body of a request, within bounds. They are of bytes and of depth; it asks for no content type and knows no
 * field.
 */
import type { IncomingMessage } from 'node:http'
import { RegistryError, messageOf } from '../core/model/errors.js'
import { isDeeper, modelLimits } from '../core/model/model.js'

export const jsonType = 'application/json; charset=utf-8'

export const bodyLimits = {
  bytes: 1024 * 1024,
  /**
   * What is read and thrown away of a larger body before it is refused. A server that answers and closes while the
   * client still sends makes the client's kernel drop the answer, and the client sees a reset instead of a 413.
   */
  discardedBytes: 16 * 1024 * 1024,
} as const

export const tooLarge = {
  status: 413,
  message: `body: larger than ${bodyLimits.bytes} bytes; send less at once`,
} as const

/**
 * @param whenDue reads what has come, so many bytes, when it is time for it
 * @returns undefined for a body of length 0, which several clients send together with a JSON content type
 * @throws RegistryError `too-large` or `malformed`
 */
export async function readJsonBody(
  stream: IncomingMessage,
  whenDue: (length: number, read: () => unknown) => unknown,
): Promise<unknown> {
  const bytes = await readBytes(stream)
  if (bytes.length === 0) return undefined
  const encoding = stream.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    const named = JSON.stringify(encoding.slice(0, 80))
    throw new RegistryError('malformed', `Content-Encoding: ${named} is not read here; send the body as it is`)
  }
  return whenDue(bytes.length, () => readJson(bytes))
}

function readJson(bytes: Buffer): unknown {
  const value = parseJson(bytes)
  if (isDeeper(value, modelLimits.jsonDepth)) {
    throw new RegistryError('malformed', `body: nested deeper than ${modelLimits.jsonDepth} levels`)
  }
  return value
}

async function readBytes(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length <= bodyLimits.bytes) chunks.push(chunk)
      else chunks.length = 0
      if (length > bodyLimits.discardedBytes) break
    }
  } catch (cause) {
    throw new RegistryError('malformed', 'body: the connection ended before it was complete', { cause })
  }
  if (length <= bodyLimits.bytes) return Buffer.concat(chunks, length)
  throw new RegistryError('too-large', tooLarge.message)
}

function parseJson(bytes: Buffer): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new RegistryError('malformed', 'body: not UTF-8', { cause })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = messageOf(cause)
    throw new RegistryError('malformed', `body: not JSON (${why})`, { cause })
  }
}
