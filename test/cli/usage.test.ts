/** How the command line is spoken to: help, options, configuration, exit codes; and the commands that need no daemon. */
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageVersion } from '../../src/config/version.js'
import { harmless } from '../../src/core/words/harmless.js'
import { shellWord } from '../../src/core/words/shell.js'
import { runCli, runHere } from './run.js'
import { cert, key } from '../io/self-signed.js'
import { cli, dir, fine, served } from './served.js'

test('call names the option where fetch would refuse the request', async () => {
  const method = await runHere(['call', 'web', '/', '-X', 'GE T'])
  expect(method).toMatchObject({ code: 2, stderr: expect.stringMatching(/^rollcall: request: "GE T" is no method/) })
  const body = await runHere(['call', 'web', '/', '-X', 'GET', '-d', 'x'])
  expect(body).toMatchObject({ code: 2, stderr: expect.stringMatching(/^rollcall: data: GET takes no body/) })
})

test.each([
  ...['lookup', 'pick', 'call', 'why', 'history', 'deregister', 'suspect', 'renew', 'update'].map((name) => [name]),
  ...[['maintenance', 'on'], ['force-leave'], ['definitions', 'show'], ['definitions', 'remove']],
])('%s of nothing is wrong usage, whatever there is', async (...command) => {
  expect(await cli(...command, '')).toMatchObject({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringMatching(/^rollcall: the [a-z|]+ is empty: is a variable not set\?; see rollcall /) as string,
  })
})

test('nobody is asked for nothing in particular', async () => {
  for (const option of ['--slug', '--act', '--by'])
    expect(await cli('history', option, '')).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('It is empty: is a variable not set?') as string },
    })
})

test('a name in a command to copy is one word, whatever is in it', () => {
  expect(shellWord('web-1.eu/a:b@c')).toBe('web-1.eu/a:b@c')
  expect(shellWord("it's $HOME; ls")).toBe(`'it'\\''s $HOME; ls'`)
  expect([shellWord(''), shellWord('\u001b[2J')]).toEqual([`''`, `' [2J'`])
  const letters = Array.from({ length: 0xd800 }, (_, code) => String.fromCharCode(code))
  const obeyed = letters.filter((letter) => harmless(letter) === ' ')
  expect(obeyed).toContain('\u2028')
  expect(new Set(obeyed.map(shellWord))).toEqual(new Set(["' '"]))
})

describe('config', () => {
  test('prints what start would use, and where each value comes from', async () => {
    const file = join(dir, 'rollcall.yaml')
    writeFileSync(file, 'cluster: lab\n')
    const outcome = await runHere(['config', '--config', file, '--no-mdns'], { ROLLCALL_REGION: 'eu' })
    expect(outcome).toMatchObject({ code: 0, stderr: '' })
    expect(outcome.stdout).toMatch(/^OPTION +VALUE +FROM\n/)
    expect(outcome.stdout).toContain(`lab`)
    expect(outcome.stdout).toMatch(new RegExp(`cluster +lab +${file}:1\n`))
    expect(outcome.stdout).toMatch(/mdns +false +--no-mdns\n/)
    expect(outcome.stdout).toMatch(/region +eu +ROLLCALL_REGION\n/)
    expect(outcome.stdout).toMatch(/log-level +info +default\n/)
    const { stdout } = await runHere(['config', '--json', '--region', 'us'])
    const { options } = JSON.parse(stdout) as { options: { name: string }[] }
    expect(options.find(({ name }) => name === 'region')).toEqual({
      ...{ name: 'region', value: 'us', source: 'flag', where: '--region' },
    })
  })

  test('refuses what start would refuse', async () => {
    const file = join(dir, 'wrong.yaml')
    writeFileSync(file, 'cluster: lab\njion: 10.0.0.5\n')
    for (const command of ['config', 'start']) {
      expect(await runHere([command], { ROLLCALL_CONFIG: file })).toEqual({
        ...{ code: 2, stdout: '', stderr: `rollcall: ${file}:2: jion: there is no such option; did you mean join?\n` },
      })
    }
  })
})

describe('help', () => {
  test('lists the commands in groups, with lines to copy', async () => {
    for (const args of [['--help'], ['help']]) {
      const stdout = await fine(...args)
      for (const part of ['A daemon on this machine:', 'Where things are:', 'How the cluster is:', 'Examples:']) {
        expect(stdout).toContain(`\n${part}\n`)
      }
      expect(stdout).not.toContain('__complete')
      expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80)
    }
  })

  test('without a command is wrong usage, and shown all the same', async () => {
    expect(await cli()).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Examples:') as string })
  })

  test('of a command is the same by both ways, and has examples', async () => {
    expect(await fine('help', 'why')).toBe(await fine('why', '--help'))
    expect(await fine('help', 'why')).toContain('rollcall why web')
  })

  test('the version is that of the package', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(await fine('--version')).toBe(`${version}\n`)
  })

  test('of what is no command says so', async () => {
    const nothing = { code: 2, stderr: "rollcall: unknown command 'foo'; see rollcall --help\n" }
    expect(await cli('help', 'foo')).toMatchObject(nothing)
    expect((await cli('maintenance', 'help', 'onn')).stderr).toContain('did you mean on?; see rollcall maintenance')
  })

  test('a name that begins like an option has its way', async () => {
    const stderr = "rollcall: unknown option '-abc'; where it is no option, say -- before it; see rollcall why --help\n"
    expect(await cli('why', '-abc')).toMatchObject({ code: 2, stderr })
    expect((await cli('why', '--', '-abc')).stderr).toContain('nothing is registered as -abc')
  })

  test('a command that is misspelled is guessed', async () => {
    expect(await cli('lokup', 'web')).toMatchObject({
      ...{ code: 2, stderr: "rollcall: unknown command 'lokup' (Did you mean lookup?); see rollcall --help\n" },
    })
  })
})

test('no command pays for reading YAML before there is a file to be read', () => {
  const loaded = (after: string): string[] => {
    const script = `import { createProgram } from './dist/cli/program.js'
      import { parseStructured } from './dist/config/structured.js'
      import { createRequire } from 'node:module'
      createProgram()
      ${after}
      const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('/yaml/'))
      console.log(JSON.stringify(loaded))`
    const args = ['--input-type=module', '--eval', script]
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as string[]
  }
  expect(loaded('')).toEqual([])
  expect(loaded(`parseStructured('a: 1', 'some.yaml')`)).not.toEqual([])
})

test('colours are asked for where the output is a file', async () => {
  const coloured = await runHere(['members'], { ROLLCALL_SERVER: served.url, FORCE_COLOR: '1' })
  expect(coloured.stdout).toContain('\u001b[33mhidden\u001b[39m')
  expect(await fine('members')).not.toContain('\u001b')
})

describe('options of most commands', () => {
  const nowhere = 'http://127.0.0.1:1'

  test('stand before the command as well as after it, also before those that have commands of their own', async () => {
    const lines: readonly (readonly string[])[] = [
      ['--server', served.url, '--json', 'members'],
      ['--server', served.url, 'members', '--json'],
      ['--json', 'members', '--server', served.url],
      ['--server', served.url, '--json', 'definitions'],
      ['--server', served.url, 'definitions', '--json', 'list'],
      ['definitions', '--server', served.url, 'list', '--json'],
    ]
    for (const args of lines) {
      const { code, stdout } = await runHere(args)
      expect({ args, code }).toEqual({ args, code: 0 })
      expect(JSON.parse(stdout)).toHaveProperty(args.includes('members') ? 'members' : 'definitions')
    }
  })

  test('are those nearest to the command where they are given twice', async () => {
    expect((await runHere(['--server', nowhere, 'members', '--server', served.url])).code).toBe(0)
    expect((await runHere(['--server', served.url, 'members', '--server', nowhere])).code).toBe(3)
    expect((await runHere(['--server', nowhere, 'members'], { ROLLCALL_SERVER: served.url })).code).toBe(3)
  })

  test('are refused before a command that has none of them, and where they are wrong', async () => {
    expect(await cli('--watch', 'pick', 'web')).toMatchObject({
      ...{ code: 2, stdout: '' },
      stderr: 'rollcall: --watch before the command: pick has no such option; see rollcall pick --help\n',
    })
    expect((await cli('--interval', 'often', 'members')).stderr).toContain('0.1 to 3600')
    for (const args of [['nodes', '--by', '\u001b[31m'], ['nodes', '--\u001b[31m'], ['\u001b[31m']])
      expect((await cli(...args)).stderr).not.toContain('\u001b')
    expect((await cli('--sever', served.url, 'members')).stderr).toContain('Did you mean --server?')
  })
})

test('--json prints what the endpoint gave', async () => {
  const cases: readonly [readonly string[], string, RequestInit][] = [
    [['peers'], '/v1/peers', {}],
    [['members'], '/v1/members', {}],
    [['nodes'], '/registry-svc/nodes', { method: 'POST' }],
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
  test('are those of the process', async () => {
    const codeOf = async (...args: string[]): Promise<number | null> => (await runCli(args)).code
    expect(await codeOf('--version')).toBe(0)
    expect(await codeOf('lookup', 'nobody', '--server', served.url)).toBe(1)
    expect(await codeOf('lookup')).toBe(2)
    expect(await codeOf('lookup', 'web', '--server', 'http://127.0.0.1:9')).toBe(3)
  })

  test('1: the daemon said no', async () => {
    expect(await cli('lookup', 'nobody')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'rollcall: slug: nothing is registered as "nobody"; all that is registered: rollcall instances --all\n',
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
    for (const server of ['http://127.0.0.1:1', 'localhost:1']) {
      const { code, stdout, stderr } = await cli('peers', '--server', server)
      expect({ server, code, stdout }).toEqual({ server, code: 3, stdout: '' })
      expect(stderr).toMatch(/^rollcall: no daemon answers at .*rollcall start.*\n$/)
    }
  })

  test('3: what TLS says against it, and that a name leads nowhere, have ways out of their own', async () => {
    const web = createHttpsServer({ key, cert }, (_, response) => response.end('{}')).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const { port } = web.address() as AddressInfo
    for (const [server, words] of [
      [`https://127.0.0.1:${port}`, /somebody answers at .*\(DEPTH_ZERO_SELF_SIGNED_CERT\); .*NODE_EXTRA_CA_CERTS/],
      [served.url.replace('http:', 'https:'), /somebody answers at .*; it does not speak TLS: ask it by http:/],
      ['http://no-such-host.invalid', /no daemon answers at .*its name does not resolve.*; correct it/],
    ] as const) {
      const { code, stderr } = await cli('peers', '--server', server)
      expect({ server, code }).toEqual({ server, code: 3 })
      expect(stderr).toMatch(words)
      expect(stderr).not.toContain('rollcall start')
    }
    web.close()
  })

  test('1: something else answers there', async () => {
    const web = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ok>')).listen(
      0,
      '127.0.0.1',
    )
    await once(web, 'listening')
    const outcome = await cli('peers', '--server', `127.0.0.1:${(web.address() as AddressInfo).port}`)
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringMatching(/no Rollcall daemon.*--server/) as string })
    web.close()
  })

  test('3: who sends callers elsewhere is no daemon, and nobody follows; what a server says is cut', async () => {
    const web = createHttpServer((request, response) => {
      if (request.url === '/v1/members') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
      else response.writeHead(400).end(JSON.stringify({ error: 'x'.repeat(50_000) }))
    }).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const server = `127.0.0.1:${(web.address() as AddressInfo).port}`
    const sentAway = await cli('members', '--server', server)
    expect(sentAway).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/somebody answers at .*the daemon itself/) as string,
    })
    expect(sentAway.stderr).not.toContain('rollcall start')
    expect((await cli('peers', '--server', server)).stderr.length).toBeLessThan(2100)
    web.close()
  })

  test('1: something that speaks JSON answers there, but it is no daemon', async () => {
    let body = ''
    const web = createHttpServer((_, response) => response.end(body)).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const server = `127.0.0.1:${(web.address() as AddressInfo).port}`
    const fields = [
      'instances',
      'members',
      'peers',
      'nodes',
      'sessions',
      'findings',
      'entries',
      'definitions',
      'failed',
    ]
    const odd = [null, {}, 'x', [null], [{}]].map((value) => Object.fromEntries(fields.map((name) => [name, value])))
    for (body of ['null', '{"hello":"world"}', ...odd.map((each) => JSON.stringify(each))])
      for (const command of [
        ...[['peers'], ['lookup', 'web'], ['call', 'web'], ['status'], ['why', 'web'], ['pick', 'web'], ['watch']],
        ...[['members'], ['history'], ['drain'], ['force-leave', 'x'], ['maintenance', 'on', '--slug', 'x']],
        ['register', '--url', 'http://a.test'],
        ...(body.includes('[{}]') ? [] : [['instances'], ['nodes'], ['doctor'], ['sessions'], ['definitions']]),
      ]) {
        const outcome = await cli(...command, '--server', server)
        expect({ body, command, ...outcome }).toMatchObject({
          ...{ body, command, code: 1, stdout: '' },
          stderr: expect.stringMatching(/no Rollcall daemon.*--server/) as string,
        })
      }
    web.close()
  })

  test.each([
    ['of this version', packageVersion, /^rollcall: this is a fault of rollcall .* itself, .*: TypeError: .*, at /],
    ['of another one', '0.0.0', /^rollcall: what http.* answers is not understood here .*compare rollcall version/],
  ])('1: what a daemon %s answers breaks this program, which says whose fault that is', async (_, version, said) => {
    const web = createHttpServer(({ url }, response) =>
      response.end(JSON.stringify(url === '/v1/self' ? { version } : { members: [{}] })),
    ).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const outcome = await cli('members', '--server', `127.0.0.1:${(web.address() as AddressInfo).port}`)
    expect(outcome).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(said) as string })
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
  expect(JSON.parse(await fine('leave', '--json'))).toEqual({ server: served.url, restart: false })
  served.service.left = false
  expect(await fine('leave')).toMatch(/said goodbye/)
  expect([served.service.left, served.service.restarts]).toEqual([true, false])
  expect(await fine('leave', '--restart')).toMatch(/restarts/)
  expect(served.service.restarts).toBe(true)
})
