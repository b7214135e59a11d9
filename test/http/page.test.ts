// The files of the web page as they are served: to everybody, from here alone, never half old.
import { expect, test } from 'vitest'
import { Admission } from '../../src/http/admission.js'
import { createApp } from '../../src/http/app.js'
import { addPage } from '../../src/http/page.js'
import { silentLog } from '../../src/log.js'
import { request, sendRaw } from './raw.js'
import { serveMemory } from './serve.js'

test('its files need no token, and say what a browser may do with them; what it asks does', async () => {
  const served = await serveMemory({
    credentials: { tokens: [{ name: 'ops', may: 'read', sha256: new Uint8Array(32) }] },
  })
  try {
    const page = await fetch(`${served.url}/ui`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const policy = page.headers.get('content-security-policy') ?? ''
    for (const part of [`default-src 'none'`, `script-src 'self'`, `connect-src 'self'`, `frame-ancestors 'none'`])
      expect(policy.split('; ')).toContain(part)
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    const text = await page.text()
    expect(text).not.toMatch(/(src|href)="(https?:|\/\/)|<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/)
    for (const [, file = ''] of text.matchAll(/(?:src|href)="(ui\/[^"]+\.(?:css|svg))"/g))
      expect((await fetch(`${served.url}/${file}`)).status).toBe(200)
    expect((await fetch(`${served.url}/v1/self`)).status).toBe(401)
  } finally {
    await served.stop()
  }
})

test('what a browser holds already is not sent again; with a slash at its end it is led to the page; other hosts are refused', async () => {
  const served = await serveMemory()
  try {
    const etag = (await fetch(`${served.url}/ui`)).headers.get('etag') ?? ''
    const again = await fetch(`${served.url}/ui`, { headers: { 'if-none-match': etag } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    const statusWith = async (held: string): Promise<number> =>
      (await fetch(`${served.url}/ui`, { headers: { 'if-none-match': held } })).status
    for (const held of [`W/${etag}`, `"other", W/"a,b" ,${etag}`, '*', ' * '])
      expect([held, await statusWith(held)]).toEqual([held, 304])
    for (const held of ['"other"', etag.replaceAll('"', ''), `"*"`, `"${etag}`, ''])
      expect([held, await statusWith(held)]).toEqual([held, 200])
    const led = await fetch(`${served.url}/ui/`)
    expect([led.status, new URL(led.url).pathname]).toEqual([200, '/ui'])
    const foreign = await sendRaw(served.url, 'GET /ui HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    expect(foreign.status).toBe(403)
  } finally {
    await served.stop()
  }
})

test('nothing but its files is reached by it', async () => {
  const served = await serveMemory()
  try {
    for (const name of [
      '..%2fserver.js',
      '..%2f..%2fpackage.json',
      'main.ts',
      'answers.d.ts',
      '%00',
      'index.html%00.js',
      '.',
    ]) {
      const answer = await sendRaw(served.url, request(`GET /ui/${name}`))
      expect({ name, status: answer.status }).toEqual({ name, status: 404 })
    }
    expect((await fetch(`${served.url}/ui`, { method: 'POST' })).status).toBe(405)
  } finally {
    await served.stop()
  }
})

test('a program packed into one file starts without the page, and says so', async () => {
  const served = { bound: '127.0.0.1', names: [], proxies: [], origins: [] }
  const app = createApp(silentLog(), served, new Admission({ corsOrigins: [] }), { seeInstead: '/' })
  addPage(app, new URL('file:///nowhere/at/all/'))
  for (const path of ['/ui', '/ui/main.js']) {
    const answer = await app.inject(path)
    expect([answer.statusCode, answer.json<{ error: string }>().error]).toEqual([
      404,
      expect.stringContaining('packed into one file, without the page'),
    ])
  }
})
