/**
 * Serves the files of the web page at `/ui`, which asks this daemon as any other caller does. It knows nothing of what they hold.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { RegistryError } from '../core/model/errors.js'

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

/** Nothing from anywhere else, nobody else's frame, no script or style that is not a file of ours. */
const policy = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `connect-src 'self'`,
  `img-src 'self' data:`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ')

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Asked for each time, sent where it is another one: after an upgrade nobody sees half of the old page.
  'cache-control': 'no-cache',
} as const

interface File {
  readonly type: string
  readonly etag: string
  readonly bytes: Buffer
}

/** By name, all there are: no path of a caller ever reaches the disk. None where all of the program is one file. */
function readFiles(folder: URL | undefined): ReadonlyMap<string, File> {
  if (folder === undefined || !existsSync(folder)) return new Map()
  const names = readdirSync(folder).filter((name) => !name.endsWith('.d.ts') && typeOf(name) !== undefined)
  return new Map(
    names.map((name) => {
      const bytes = readFileSync(new URL(name, folder))
      const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
      return [name, { type: typeOf(name)!, etag, bytes }]
    }),
  )
}

/**
 * Whether whoever asks has it: by any of several names, also of one that a proxy has called weak, since it packs what it sends. RFC 9110,
 * 13.1.2.
 */
export function isHeld(etag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch?.trim() === '*') return true
  const held: readonly string[] = ifNoneMatch?.match(/"[^"]*"/g) ?? []
  return held.includes(etag)
}

function typeOf(name: string): string | undefined {
  return types[name.slice(name.lastIndexOf('.') + 1)]
}

const withoutPage =
  'this program was packed into one file, without the page: see the page of a daemon of the package as it is installed, or ask by rollcall status, rollcall doctor'

/** Undefined where a bundler has made this CommonJS. */
const here: string | undefined = import.meta.url

/** @param folder where the files are; beside this one, unless given */
export function addPage(app: FastifyInstance, folder = here === undefined ? undefined : new URL('./ui/', here)): void {
  let read: ReadonlyMap<string, File> | undefined
  const fileAt = (name: string): File => {
    read ??= readFiles(folder)
    const file = read.get(name)
    if (file !== undefined) return file
    if (read.size === 0) throw new RegistryError('not-found', withoutPage)
    throw new RegistryError('not-found', `${name.slice(0, 200)}: the page has no such file; it is at /ui`)
  }
  const send = (name: string, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { type, etag, bytes } = fileAt(name)
    reply.headers({ ...headers, etag })
    if (isHeld(etag, request.headers['if-none-match'])) return reply.code(304).send()
    return reply.type(type).send(bytes)
  }
  const open = { config: { needs: 'nothing' }, schema: { hide: true } } as const
  app.get('/ui', open, (request, reply) => send('index.html', request, reply))
  // Its files are named from beside it.
  app.get('/ui/', open, (_request, reply) => reply.redirect('../ui', 308))
  app.get<{ Params: { file: string } }>('/ui/:file', open, (request, reply) =>
    send(request.params.file, request, reply),
  )
}
