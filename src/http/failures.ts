/**
 * What callers are told when something went wrong: one status for each kind of error, always `{"error": sentence}`, never a stack.
 */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { statusByCode } from '../config/statuses.js'
import { RegistryError } from '../core/model/errors.js'
import type { Log } from '../log.js'

export interface Failure {
  readonly status: number
  readonly message: string
}

/** Fastify's own errors carry a status; what carries none is our fault, and its details are for the log. */
function describeFailure(error: unknown): Failure {
  if (error instanceof RegistryError) return { status: statusByCode[error.code], message: error.message }
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  if (typeof status === 'number' && status >= 400 && status < 500) return { status, message: (error as Error).message }
  return { status: 500, message: 'something went wrong in the daemon; its log has the details' }
}

export function answerFailure(log: Log, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, message } = describeFailure(error)
  if (status === 500)
    log.error({ err: error, method: request.method, path: request.url.slice(0, 200) }, 'request failed')
  if (status === 503) reply.header('retry-after', '1')
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  reply.code(status).send({ error: message })
}

/** As the parser of HTTP tells it: in words of its own, which repeat nothing of what came. */
interface ParseError extends NodeJS.ErrnoException {
  readonly reason?: string
}

/** For what never became a request: bytes that are not HTTP, headers without end, requests that take for ever. */
export function answerBadBytes(error: ParseError, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  if (error.code === 'HPE_HEADER_OVERFLOW') endRaw(socket, 431, 'the request line and headers are larger than 16 KiB')
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') endRaw(socket, 408, 'the request did not arrive in time')
  else if (error.code === 'HPE_INVALID_URL') endRaw(socket, 400, notInUrl)
  else endRaw(socket, 400, `this is not an HTTP request${error.reason === undefined ? '' : ` (${error.reason})`}`)
}

/** Some clients send what was typed, whatever letters it has. */
const notInUrl =
  'path: holds letters that a url has not; send the percent-encoding of their UTF-8, such as %C3%BC for ü'

export function endRaw(socket: Duplex, status: number, message: string): void {
  const body = JSON.stringify({ error: message })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
