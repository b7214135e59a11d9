/**
 * Reads the JSON body of a request, not deeper than it may be. It asks for no content type, knows no field.
 */
import type { IncomingMessage } from 'node:http'
import { RegistryError, messageOf } from '../core/model/errors.js'
import { isDeeper, modelLimits } from '../core/model/model.js'
import type { IncomingBodies } from './bodies.js'

export const jsonType = 'application/json; charset=utf-8'

/**
 * @param whenDue reads what has come, so many bytes, when it is time for it
 * @returns undefined for a body of length 0, which several clients send together with a JSON content type
 * @throws RegistryError `malformed`, or as the bodies do
 */
export async function readJsonBody(
  bodies: IncomingBodies,
  stream: IncomingMessage,
  whenDue: (length: number, read: () => unknown) => unknown,
): Promise<unknown> {
  const bytes = await bodies.read(stream)
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
