/** What each command asks, prints and returns, against a real server with a service in memory. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { otherPeer } from '../http/service.js'
import { serveMemory, type MemoryServer } from '../http/serve.js'
import { runCli, type Outcome } from './run.js'

let served: MemoryServer
const dir = mkdtempSync(join(tmpdir(), 'rollcall-cli-'))
const cli = (...args: string[]): Promise<Outcome> => runCli(args, { ROLLCALL_SERVER: served.url })

beforeAll(async () => {
  served = await serveMemory()
})
afterAll(async () => {
  await served.stop()
  rmSync(dir, { recursive: true })
})

async function fine(...args: string[]): Promise<string> {
  const outcome = await cli(...args)
  expect({ args, ...outcome }).toMatchObject({ args, code: 0, stderr: '' })
  return outcome.stdout
}

describe('instances', () => {
  test('are registered, listed, looked up and removed', async () => {
    const registered = await fine(
      'register',
      '--url',
      'http://10.0.0.7:80/x',
      '--slug',
      'web',
      '--id',
      'w-1',
      '--tag',
      'a',
      'b',
      '--tag',
      'c',
    )
    expect(registered).toBe('registered w-1\n')
    await fine('register', '--url', 'http://10.0.0.8:80', '--slug', 'other', '--deployment-id', 'd-9')
    const [head, ...rows] = (await fine('instances')).trimEnd().split('\n')
    expect(head).toBe(head?.trimEnd())
    expect(head).toMatch(/^ID +SLUG +URL +STATUS +SEEN +NODE +DEPLOYMENT +TAGS$/)
    expect(rows).toHaveLength(2)
    expect(rows[0]).toMatch(/^w-1 +web +http:\/\/10\.0\.0\.7:80\/x +Unknown +- +http:\/\/10\.0\.0\.5:58231 +- +a b c$/)
    expect(rows[1]).toMatch(/d-9 +-$/)
    expect((await fine('instances', '--slug', 'web')).trimEnd().split('\n')).toHaveLength(2)
    expect(await fine('lookup', 'web')).toMatch(/^PICK.*\n\* +w-1 /)
    expect(await fine('deregister', 'w-1')).toBe('removed w-1\n')
    expect(await fine('instances', '--slug', 'web')).toBe('no instances\n')
  })

  test('with --all each record says why it is not visible', async () => {
    const table = await fine('instances', '--all', '--slug', 'gone')
    expect(table).toMatch(/OWNER +NUMBER +VISIBLE\n/)
    expect(table).toMatch(/ghost.* 3 +no: node dead\n$/)
  })

  test('a degraded lookup says so', async () => {
    await fine('register', '--url', 'http://10.0.0.9:80', '--slug', 'shaky')
    served.service.degraded = true
    expect(await fine('lookup', 'shaky')).toMatch(/\ndegraded: /)
    served.service.degraded = false
  })
})

describe('definitions', () => {
  test('are saved from a file, bare or wrapped, listed and removed', async () => {
    const file = join(dir, 'definition.json')
    writeFileSync(file, JSON.stringify({ id: 'svc', image: { name: 'acme/svc:1' }, made: 'up' }))
    expect(await fine('definitions', 'save', file)).toBe('saved svc\n')
    writeFileSync(file, JSON.stringify({ definition: { id: 'svc-2' } }))
    expect(await fine('definitions', 'save', file)).toBe('saved svc-2\n')
    expect(await fine('definitions', 'list')).toBe(
      'ID     IMAGE       REPOSITORY\nsvc    acme/svc:1  -\nsvc-2  -           -\n',
    )
    expect(served.service.definitions()[0]).toEqual({ id: 'svc', image: { name: 'acme/svc:1' }, made: 'up' })
    expect(await fine('definitions', 'remove', 'svc')).toBe('removed svc\n')
  })

  test('that cannot be read are named by their file', async () => {
    const file = join(dir, 'bad.json')
    writeFileSync(file, '{"id":')
    expect(await cli('definitions', 'save', file)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${file} is not JSON`) as string,
    })
    writeFileSync(file, '{"name":"x"}')
    expect(await cli('definitions', 'save', file)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/bad\.json: definition\.id/) as string,
    })
    expect(await cli('definitions', 'save', join(dir, 'none'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ENOENT') as string,
    })
  })
})

describe('the cluster', () => {
  test('peers: everything about each, and one line whether all are in step', async () => {
    const table = await fine('peers')
    const lines = table.trimEnd().split('\n')
    expect(lines[1]).toMatch(
      new RegExp(
        `^def +${otherPeer} +/ip4/10\\.0\\.0\\.6/tcp/58232 +outbound +\\d+ s +1\\.2 ms +65, 0\\.4 s ago +differs +12 s ago, brought 3, took 0 +healthy$`,
      ),
    )
    expect(lines.at(-1)).toBe('not in step with 1 of 1 peers')
  })

  test('members: this one is marked, silence is counted', async () => {
    const [, own, other] = (await fine('members')).trimEnd().split('\n')
    expect(own).toMatch(/^abc \(this one\) .* alive +90 s +- +7 +0 +12 +- +- +-$/)
    expect(other).toMatch(/^def .* hidden +1\.5 s +4\.0 s ago +9 .* 13 % +1 observer +http:/)
  })

  test('nodes: usage in words', async () => {
    expect(await fine('nodes')).toMatch(/abc +http:\/\/10\.0\.0\.5:58231 +eu +- .* 13 % +1\.0 KiB of 4\.0 KiB +- +-\n/)
  })
})

test('--json prints what the endpoint gave', async () => {
  const cases: readonly [readonly string[], string, RequestInit][] = [
    [['peers'], '/v1/peers', {}],
    [['members'], '/v1/members', {}],
    [['nodes'], '/registry-svc/nodes', { method: 'POST' }],
    [['instances'], '/registry-svc/instances', {}],
    [['instances', '--all'], '/v1/instances', {}],
    [['definitions', 'list'], '/registry-svc/definitions', {}],
  ]
  const withoutTimes = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === 'connectedSince' ? undefined : inner)))
  for (const [command, path, init] of cases) {
    const printed: unknown = JSON.parse(await fine(...command, '--json'))
    const given: unknown = await (await fetch(`${served.url}${path}`, init)).json()
    expect(withoutTimes(printed)).toEqual(withoutTimes(given))
  }
})

describe('exit codes', () => {
  test('1: the daemon said no', async () => {
    expect(await cli('lookup', 'nobody')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'rollcall: slug: nothing is registered as nobody\n',
    })
    expect(await cli('deregister', 'nothing')).toMatchObject({ code: 1, stdout: '' })
    served.service.failure = new Error('secret')
    expect(await cli('definitions', 'remove', 'svc-2')).toMatchObject({
      code: 1,
      stderr: expect.not.stringContaining('secret') as string,
    })
    served.service.failure = undefined
  })

  test('2: wrong usage, by any of the two of us', async () => {
    for (const args of [['register'], ['lookup'], ['peeers'], ['peers', '--jsn'], ['register', '--url', 'nope'], []]) {
      const { code, stdout, stderr } = await cli(...args)
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
      expect(stderr).not.toMatch(/\bat .*\.(ts|js):\d+/)
    }
    expect((await cli('peers', '--server', 'ftp://x')).code).toBe(2)
  })

  test('3: nobody answers there, and how to start one', async () => {
    for (const server of ['http://127.0.0.1:1', 'http://no-such-host.invalid', 'localhost:1']) {
      const { code, stdout, stderr } = await cli('peers', '--server', server)
      expect({ server, code, stdout }).toEqual({ server, code: 3, stdout: '' })
      expect(stderr).toMatch(/^rollcall: no daemon answers at .*rollcall start.*\n$/)
    }
  })

  test('1: something else answers there', async () => {
    const web = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ok>')).listen(
      0,
      '127.0.0.1',
    )
    await once(web, 'listening')
    const outcome = await cli('peers', '--server', `127.0.0.1:${(web.address() as AddressInfo).port}`)
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('no Rollcall daemon') as string })
    web.close()
  })
})

test('keygen writes a key for its owner alone, never over another, or prints one', async () => {
  const file = join(dir, 'cluster.key')
  expect(await fine('keygen', file)).toBe(`wrote ${file}\n`)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const key = readFileSync(file, 'utf8')
  expect(key).toMatch(/^\/key\/swarm\/psk\/1\.0\.0\/\n\/base16\/\n[0-9a-f]{64}\n?$/)
  expect(await cli('keygen', file)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is a file already') as string,
  })
  expect(readFileSync(file, 'utf8')).toBe(key)
  expect(await fine('keygen')).toMatch(/^\/key\/swarm\/psk\/1\.0\.0\/\n/)
})

test('leave asks the daemon to go', async () => {
  expect(await fine('leave')).toMatch(/said goodbye/)
  expect(served.service.left).toBe(true)
})
