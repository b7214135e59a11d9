/**
 * As much HTTP as a health check needs: a request, then the status of its answer, read as leniently as those who call services
 * read it. No redirect is followed; neither headers nor body are looked at, so nothing in them can be wrong.
 */
import { isIPv6 } from 'node:net'
import type { CheckHeaders } from '../../core/model/check.js'

const defaultPorts = { http: 80, https: 443 } as const
/** Answers that come before the answer, all of them, headers included. */
const interimLength = 64 * 1024
/** A status line that has told no status by then is none. */
const lineLength = 1024

/** What a status line begins with; some servers put line ends before it, leave out the reason, or write `HTTP/2 200`. */
const statusLine = /^\s{0,8}(?:HTTP\/\d+(?:\.\d+)?|ICY)[ \t]+(\d{3})(?=\D)/i
const headersEnd = /\r?\n\r?\n/

export interface Asked {
  readonly type: 'http' | 'https'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly method?: 'GET' | 'HEAD'
  readonly headers?: CheckHeaders
  /** `user:password` */
  readonly userinfo?: string
}

/** The text of a request, by a client without patience. */
export function httpRequest({ type, host, port, path, method = 'GET', headers = {}, userinfo }: Asked): string {
  const name = isIPv6(host) ? `[${host}]` : host
  const said: CheckHeaders = {
    accept: '*/*',
    'user-agent': 'rollcall-check',
    ...(userinfo !== undefined && { authorization: `Basic ${Buffer.from(userinfo).toString('base64')}` }),
    ...headers,
  }
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${name}${port === defaultPorts[type] ? '' : `:${port}`}`,
    'Connection: close',
    ...Object.entries(said).map(([header, value]) => `${spelled(header)}: ${value}`),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** As most clients spell it: some servers know no other spelling. */
function spelled(header: string): string {
  return header.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
}

/** Finds the status in the bytes of an answer. Once it has told something, it must be asked no more. */
export class StatusReader {
  #text = ''
  #skipped = 0

  /** @returns undefined where more has to come */
  read(bytes: Buffer): number | 'no HTTP' | undefined {
    this.#text += bytes.toString('latin1')
    return this.#look()
  }

  /** Nothing more comes. @returns undefined where nothing has come at all */
  end(): number | 'no HTTP' | undefined {
    if (this.#text === '') return undefined
    this.#text += '\n'
    return this.#look() ?? 'no HTTP'
  }

  /** An answer of 1xx announces another one; but after 101 another protocol is spoken, which is an answer. */
  #look(): number | 'no HTTP' | undefined {
    for (;;) {
      const status = Number(statusLine.exec(this.#text)?.[1])
      if (status >= 200 || status === 101) return status
      if (Number.isNaN(status) || status < 100) return this.#isLine() ? 'no HTTP' : undefined
      const end = headersEnd.exec(this.#text)
      if (end === null) return this.#text.length + this.#skipped > interimLength ? 'no HTTP' : undefined
      const begin = end.index + end[0].length
      this.#skipped += begin
      if (this.#skipped > interimLength) return 'no HTTP'
      this.#text = this.#text.slice(begin)
    }
  }

  #isLine(): boolean {
    return this.#text.length > lineLength || this.#text.trimStart().includes('\n')
  }
}
