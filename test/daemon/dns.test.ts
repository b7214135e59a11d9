// A daemon asked by dig, as whoever has nothing but the DNS would ask it.
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { encode } from 'dns-packet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runHere } from '../cli/run.js'
import { programHere } from '../programs.js'
import { Cluster, type RunningDaemon } from './cluster.js'
import { loopback } from './place.js'

const isHere = programHere('dig')
if (!isHere) console.warn('dig is not installed: the tests with it are skipped')

const cluster = new Cluster(loopback())
let daemon: RunningDaemon
let warned: { readonly header: string | null; readonly body: unknown }

beforeAll(async () => {
  daemon = await cluster.start('named', { args: ['--no-mdns', '--dns', '127.0.0.1:0', '--node-id', 'Node-A'] })
  const put = async (path: string, body: object): Promise<Response> =>
    fetch(`${daemon.url}${path}`, { method: 'PUT', body: JSON.stringify(body) })
  const web = { slug: 'web', check: 'none' }
  await put('/v1/instances', { ...web, url: 'http://10.0.0.5:8080/', tags: ['blue'], ports: { metrics: 9464 } })
  await put('/v1/instances', { ...web, slug: 'Web', url: 'http://[fd00::6]:81', weight: 7 })
  for (let i = 1; i <= 100; i += 1)
    await put('/v1/instances', { slug: 'many', check: 'none', url: `http://10.0.1.${i}:80` })
  const answer = await put('/v1/instances', { slug: 'grüße_an', check: 'none', url: 'http://10.0.0.7:1' })
  warned = { header: answer.headers.get('x-rollcall-warning'), body: await answer.json() }
})

afterAll(() => cluster.close())

async function dig(...words: string[]): Promise<string> {
  const [host = '', port = ''] = (daemon.dns ?? '').split(':')
  const { stdout } = await promisify(execFile)('dig', [`@${host}`, '-p', port, '+time=20', '+tries=2', ...words])
  return stdout.replaceAll('rollcall.internal', 'D')
}

describe.runIf(isHere)('dig', () => {
  test.each<readonly [string, readonly string[], readonly RegExp[]]>([
    ['A', ['web.service.rollcall.internal'], [/^web\.service\.D\.\s+1\s+IN\s+A\s+10\.0\.0\.5$/m, /flags: qr aa rd;/]],
    ['AAAA, by a name in capitals', ['WEB.service.rollcall.internal', 'AAAA'], [/^WEB\.service\.D\..*fd00::6$/m]],
    [
      'SRV, with the addresses of its targets',
      ['_web._tcp.service.rollcall.internal', 'SRV'],
      [
        /SRV\s+0 100 8080 0a000005\.addr\.D\.$/m,
        /SRV\s+0 7 81 fd000000000000000000000000000006\.addr\.D\.$/m,
        /^0a000005\.addr\.D\.\s+1\s+IN\s+A\s+10\.0\.0\.5$/m,
        /^fd000000000000000000000000000006\.addr\.D\.\s+1\s+IN\s+AAAA\s+fd00::6$/m,
      ],
    ],
    ['a tag', ['blue.web.service.rollcall.internal', '+short'], [/^10\.0\.0\.5$/m]],
    ['a port', ['_metrics._tcp.web.service.rollcall.internal', 'SRV', '+short'], [/^0 100 9464 0a000005/m]],
    ['a node', ['node-a.node.rollcall.internal'], [/status: NOERROR/]],
    ['nothing', ['none.service.rollcall.internal'], [/NXDOMAIN/, /^D\.\s+1\s+IN\s+SOA\s+ns\.D\. .* 1$/m]],
    ['nothing of that type', ['web.service.rollcall.internal', 'TXT'], [/NOERROR/, /SOA/]],
    ['by TCP', ['many.service.rollcall.internal', '+tcp'], [/ANSWER: 100,/, /\(TCP\)/]],
    [
      'too much for UDP, then by TCP',
      ['many.service.rollcall.internal', '+bufsize=512'],
      [/Truncated/, /ANSWER: 100,/],
    ],
    [
      'too much for UDP',
      ['many.service.rollcall.internal', '+bufsize=4096', '+ignore'],
      [/flags: qr aa tc/, /udp: 1232/],
    ],
    ['everything', ['web.service.rollcall.internal', 'ANY', '+notcp'], [/HINFO\s+"RFC8482" ""/]],
    ['a transfer', ['rollcall.internal', 'AXFR'], [/Transfer failed/]],
    ['of a newer EDNS', ['web.service.rollcall.internal', '+edns=1', '+noednsneg'], [/status: BADVERS/]],
    ['of others', ['example.com'], [/status: REFUSED/, /flags: qr rd;/]],
    ['another kind of question', ['rollcall.internal', '+opcode=UPDATE', '+noedns'], [/status: NOTIMP/]],
  ])('%s', async (_, words, expected) => {
    const output = await dig(...words)
    for (const pattern of expected) expect(output).toMatch(pattern)
    expect(output).not.toMatch(/malformed|mismatch|Got bad packet|WARNING: (?!recursion)/)
  })
})

test('who registers what has no name there is told, in letters that a header can hold, and the log once', async () => {
  expect(warned.header).toMatch(/^slug: "gr\\u00fc\\u00dfe_an" has no name in the DNS/)
  expect(warned.body).toMatchObject({ warnings: [expect.stringMatching(/^slug: "grüße_an" has no name/) as string] })
  expect(daemon.stderr.join('').match(/has no name in the DNS/g)).toHaveLength(1)
  const self = (await (await fetch(`${daemon.url}/v1/self`)).json()) as { dns: string }
  expect(self.dns).toBe(daemon.dns)
})

test('so is who registers by the command line', async () => {
  const register = (slug: string): ReturnType<typeof runHere> =>
    runHere(['register', '--slug', slug, '--url', 'http://10.0.0.8:1', '--check', 'none'], {
      ROLLCALL_SERVER: daemon.url,
    })
  expect((await register('a_b')).stderr).toMatch(/^rollcall: slug: "a_b" has no name in the DNS/)
  expect(await register('a-b')).toMatchObject({ code: 0, stderr: '' })
})

test('what is looked up there is in the metrics, and what is dropped', async () => {
  const [host = '', port = ''] = (daemon.dns ?? '').split(':')
  const socket = createSocket('udp4')
  await new Promise((done) => socket.send('hello', Number(port), host, done))
  const question = encode({ type: 'query', id: 1, questions: [{ name: 'web.service.rollcall.internal', type: 'A' }] })
  const answered = once(socket, 'message')
  socket.send(question, Number(port), host)
  await answered
  socket.close()
  const text = await (await fetch(`${daemon.url}/metrics`)).text()
  expect(text).toMatch(/^rollcall_lookups_total\{door="dns",result="found"\} [1-9]/m)
  expect(text).toMatch(/^rollcall_messages_dropped_total\{plane="dns",reason="too-short"\} 1$/m)
})
