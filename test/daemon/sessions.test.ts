/**
 * Programs and their sessions at real daemons, in real processes: killed, frozen, left alone by their daemon; what they registered goes
 * with them, and nothing else does.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient } from '../../src/client.js'
import { freePort } from '../library/examples.js'
import { allList, Cluster, type RunningDaemon, until } from './cluster.js'
import { loopback } from './place.js'

const cluster = new Cluster(loopback())
const programs: ChildProcess[] = []
let a: RunningDaemon
let b: RunningDaemon

beforeAll(async () => {
  a = await cluster.start('a', { args: ['--no-mdns'] })
  b = await cluster.start('b', { args: ['--no-mdns', '--join', a.address] })
  await allList([a, b], ['a', 'b'])
})
afterAll(async () => {
  for (const program of programs) program.kill('SIGKILL')
  await cluster.close()
})

const client = fileURLToPath(new URL('../../dist/client.js', import.meta.url))

/** A service that registers itself at `a`. Its first line of output says that it has. */
async function service(slug: string, said: object = {}): Promise<ChildProcess> {
  const program = `
    import { createServer } from 'node:http'
    import { createClient } from ${JSON.stringify(client)}
    const service = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1', async () => {
      const url = 'http://127.0.0.1:' + service.address().port
      const client = createClient({ server: ${JSON.stringify(a.url)} })
      const self = await client.registerSelf({ slug: ${JSON.stringify(slug)}, url, ...${JSON.stringify(said)} })
      process.once('SIGTERM', async () => { await self.end(); process.exit() })
      console.log(self.id)
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  programs.push(child)
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  return child
}

const picked = async (slug: string): Promise<string | undefined> =>
  (JSON.parse((await b.ask(`/v1/pick/${slug}`)).body) as { picked?: { url: string } }).picked?.url

const isListed = (slug: string): Promise<boolean> =>
  b.lookup(slug).then((urls) => urls !== undefined && urls.length > 0)

test('a program that is killed is picked no more, and its record goes by itself', async () => {
  const program = await service('killed')
  await until('it is picked elsewhere', async () => (await picked('killed')) !== undefined)
  program.kill('SIGKILL')
  await until('it is picked no more', async () => (await picked('killed')) === undefined)
  expect(await isListed('killed')).toBe(true)
  await until('its record is gone', async () => (await b.lookup('killed')) === undefined)
})

test('a program that ends in order is gone at once', async () => {
  const program = await service('ended', { grace: '1h' })
  await until('it is listed', () => isListed('ended'))
  program.kill('SIGTERM')
  await once(program, 'exit')
  expect(program.exitCode).toBe(0)
  await until('its record is gone', async () => (await b.lookup('ended')) === undefined)
})

test('a daemon that was killed and started again drops nothing of those that live', async () => {
  await service('lives')
  await until('it is listed', () => isListed('lives'))
  const { port } = new URL(a.url)
  await new Promise((resolve) => setTimeout(resolve, 1500)) // the note of its session goes to disk within a second
  await a.kill('SIGKILL')
  a = await cluster.start('a', { args: ['--no-mdns', '--http', `127.0.0.1:${port}`, '--join', b.address] })
  await until('its session stands again', async () => {
    const { sessions } = JSON.parse((await a.ask('/v1/sessions')).body) as {
      sessions: { state: string; instances: number }[]
    }
    return sessions.some(({ state, instances }) => state === 'open' && instances === 1)
  })
  await until('it is picked', async () => (await picked('lives')) !== undefined)
})

/** The service of the README as it stands there, but for its daemon and its port. @param change makes another program of it */
async function ofReadme(port: number, change: (code: string) => string = (code) => code): Promise<ChildProcess> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const [, code = ''] = /^```js service\n([\s\S]*?)^```$/m.exec(readme) ?? []
  const here = change(code)
    .replaceAll('8080', String(port))
    .replace('createClient()', `createClient({ server: ${JSON.stringify(a.url)} })`)
  const root = fileURLToPath(new URL('../..', import.meta.url)) // where it finds what it imports
  const child = spawn(process.execPath, ['--input-type=module', '-e', here], { cwd: root, stdio: 'inherit' })
  programs.push(child)
  return child
}

/** Beside each line in question stands what to write instead. */
const withExpress = (code: string): string =>
  code
    .replace(/^import fastify.*$/m, expressAlike)
    .replace(/fastify\(\)\.get.*?\/\/ with Express: (.*)$/m, '$1')
    .replace(/^ *await app\..*?\/\/ with Express: (.*)$/gm, '$1')

const expressAlike = `import { createServer } from 'node:http'
const express = () => ({
  get(_, answer) { this.answer = answer; return this },
  listen(port) { return createServer((request, response) => { response.send = response.end; this.answer(request, response) }).listen(port) },
})`

test.each([
  ['Fastify', undefined],
  ['Express', withExpress],
])('the service of the README, with %s, stops without a failed call', async (_name, change) => {
  const program = await ofReadme(await freePort(), change)
  await until('it is picked elsewhere', async () => (await picked('web')) !== undefined)
  const asking = { ended: false, failed: [] as unknown[], answered: 0 }
  const ask = async (): Promise<void> => {
    const url = await picked('web')
    if (url !== undefined) asking.answered += Number((await (await fetch(url)).text()) === 'hello')
  }
  const asked = (async () => {
    while (!asking.ended) await ask().catch((error: unknown) => asking.failed.push(error))
  })()
  await until('it answers', () => Promise.resolve(asking.answered > 20))
  program.kill('SIGTERM')
  if (program.exitCode === null) await once(program, 'exit')
  asking.ended = true
  await asked
  expect([program.exitCode, asking.failed]).toEqual([0, []])
  expect(await b.lookup('web')).toBeUndefined()
})

test('a session is told from an unknown one, by whoever names it', async () => {
  const answer = await a.ask('/v1/instances', 'PUT', { url: 'http://127.0.0.1:9', session: 'nobody' })
  expect(answer.status).toBe(404)
  expect(answer.body).toContain('session: there is none of that secret here')
  const without = await a.ask('/v1/instances', 'PUT', { url: 'http://127.0.0.1:9', lifetime: 'session' })
  expect(without.status).toBe(400)
  for (const method of ['PUT', 'DELETE'])
    expect((await a.ask('/v1/sessions/ses_0', method, { secret: 'x' })).status).toBe(404)
})

test('a session ends by the secret in the body of the call', async () => {
  const stream = await fetch(`${a.url}/v1/sessions`, { method: 'POST' })
  const reader = stream.body!.getReader()
  const opened = new TextDecoder().decode((await reader.read()).value)
  const { id, secret } = JSON.parse(/data: (.*)/.exec(opened)![1]!) as { id: string; secret: string }
  expect((await a.ask(`/v1/sessions/${id}`, 'DELETE', { secret: 'another' })).status).toBe(403)
  expect((await a.ask(`/v1/sessions/${id}`, 'DELETE', { secret })).status).toBe(204)
  await until('its stream has ended as well', async () => (await reader.read()).done)
})

test('a client whose daemon is not there is told so at once', async () => {
  const away = createClient({ server: 'http://127.0.0.1:1', timeout_ms: 2000 })
  await expect(away.registerSelf({ slug: 'x', url: 'http://127.0.0.1:9' })).rejects.toThrow(/no daemon answers/)
})
