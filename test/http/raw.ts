/**
 * Sends bytes to a server exactly as they are written here and reads the answer, since no client library would send them so.
 */
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Rejects where the server closes without an answer. */
export async function sendRaw(url: string, bytes: string | Uint8Array): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const received = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks)))
    socket.write(bytes)
  })
  return parseAnswer(received.toString('utf8'))
}

/** A request whose answer ends the connection; `lines` are headers. */
export function request(line: string, lines: readonly string[] = [], body = ''): string {
  const hasHost = lines.some((header) => /^host:/i.test(header))
  const host = hasHost ? [] : ['Host: 127.0.0.1']
  return [`${line} HTTP/1.1`, ...host, 'Connection: close', ...lines, '', body].join('\r\n')
}

export function withBody(line: string, body: string, lines: readonly string[] = []): string {
  return request(line, [...lines, `Content-Length: ${Buffer.byteLength(body)}`], body)
}

function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1])
  if (end < 0 || Number.isNaN(status)) throw new Error(`no HTTP answer: ${JSON.stringify(text.slice(0, 200))}`)
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const body = text.slice(end + 4)
  return { status, headers, body: headers['transfer-encoding'] === 'chunked' ? unchunk(body) : body }
}

function unchunk(body: string): string {
  const match = /^([0-9a-f]+)\r\n/i.exec(body)
  const length = parseInt(match?.[1] ?? '0', 16)
  if (match === null || length === 0) return ''
  const rest = Buffer.from(body.slice(match[0].length))
  return rest.subarray(0, length).toString() + unchunk(rest.subarray(length + 2).toString())
}
