// The command that says what is wrong: in words, for programs, by its exit code; what it packs for others holds no secret.
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { afterEach, expect, test, vi } from 'vitest'
import { redacted } from '../../src/core/words/redacted.js'
import { protocolVersion } from '../../src/config/version.js'
import type { Finding } from '../../src/core/doctor/findings.js'
import { runHere } from './run.js'
import { cli, dir, fine, logged, served } from './served.js'

const gone: Finding = {
  ...{ id: 'node-gone', severity: 'error', what: 'def is dead, out of sight for 40 s.', meaning: 'It crashed.' },
  ...{ remedy: 'Start it: rollcall start.', about: ['def'] },
}
const note: Finding = { ...gone, id: 'draining', severity: 'note', what: 'abc is drained.' }

afterEach(() => {
  served.service.findings = []
})

/** What was asked a moment ago is told again, for longer the more it took. */
const soon = (look: () => Promise<void>): Promise<void> => vi.waitFor(look, { timeout: 10_000, interval: 100 })

test('says each thing in three sentences, and ends with 1 where something is wrong; a note is nothing wrong', async () => {
  expect(await fine('doctor')).toBe('nothing is wrong (asked abc; 1 of 2 nodes answered)\n')
  served.service.notAsked = 7
  const unasked = 'nothing is wrong (asked abc; 1 of 2 nodes answered, 7 were not asked)\n'
  await soon(async () => expect(await fine('doctor')).toBe(unasked))
  served.service.notAsked = 0
  served.service.findings = [gone, note]
  await soon(async () => expect((await cli('doctor')).code).toBe(1))
  const { stdout } = await cli('doctor')
  expect(stdout.split('\n').slice(0, 5)).toEqual([
    'error  def is dead, out of sight for 40 s.',
    '    It crashed.',
    '    → Start it: rollcall start.',
    '    node-gone',
    '',
  ])
  expect(stdout).toContain('1 thing to look after')
  const json = await cli('doctor', '--json')
  expect([json.code, JSON.parse(json.stdout)]).toMatchObject([1, { findings: [gone, note] }])
  served.service.findings = [note]
  await soon(async () => expect((await cli('doctor')).code).toBe(0))
  expect(await fine('doctor')).toContain('note  abc is drained.')
})

test('where no daemon answers it ends with 3', async () => {
  expect(await runHere(['doctor'], { ROLLCALL_SERVER: 'http://127.0.0.1:1' })).toMatchObject({ code: 3 })
})

test('what it packs holds all that is asked for, for its owner alone, and none of the secrets that stand there', async () => {
  const urls = ['http://user:pl4nted-a@10.0.0.9:80/x', 'http://10.0.0.9:80/?access_token=pl4nted-b&a=1']
  await fine('register', '--id', 'p-1', '--slug', 'planted', '--url', urls[0] as string)
  await fine('register', '--id', 'p-2', '--url', urls[1] as string)
  served.service.failures = [{ where: 'x', direction: 'inbound', error: 'Bearer pl4nted-c was given' }]
  logged.push('{"msg":"somebody came with pl4nted-d"}', '{"msg":"all is well"}')
  const file = join(dir, 'report.json')
  writeFileSync(file, 'before', { mode: 0o644 })
  const env = { ROLLCALL_SERVER: served.url, ROLLCALL_TOKEN: 'pl4nted-d' }
  served.service.findings = [{ ...gone, what: 'somebody said pl4nted-d.' }]
  expect(await runHere(['doctor', '--bundle', file], env)).toMatchObject({ code: 1 })
  const packed = readFileSync(file, 'utf8')
  expect(packed).not.toContain('pl4nted')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const parts = JSON.parse(packed) as Record<string, unknown>
  expect(Object.keys(parts)).toEqual([
    ...['made', 'server', 'versions', 'doctor', 'survey', 'self', 'peers', 'members', 'instances', 'nodes'],
    ...['digest', 'log', 'config'],
  ])
  expect(parts).toMatchObject({
    versions: { protocol: protocolVersion },
    self: { nodeId: 'abc' },
    survey: { by: 'abc' },
    log: { lines: ['{"msg":"somebody came with [redacted]"}', '{"msg":"all is well"}'] },
  })
  served.service.findings = []
  expect(await fine('doctor', '--bundle', `${file}.gz`)).toMatch(
    /written to .*\.gz, without secrets: made, .*, log, config\n$/,
  )
  expect(JSON.parse(gunzipSync(readFileSync(`${file}.gz`)).toString())).toMatchObject({ self: { nodeId: 'abc' } })
  served.service.failures = []
  expect(await cli('doctor', '--bundle', join(dir, 'no', 'such'))).toMatchObject({
    ...{ code: 1, stderr: expect.stringMatching(/--bundle: cannot write .*no.such/) as string },
    stdout: expect.stringMatching(/asked abc/) as string,
  })
  expect(await cli('doctor', '--bundle', '-')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('name a file') as string,
  })
})

test('what is no file, such as a device, keeps its mode: others write there, too', async () => {
  const pipe = join(dir, 'pipe')
  execFileSync('mkfifo', ['-m', '622', pipe])
  const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'inherit'] })
  const read = text(reader.stdout)
  await fine('doctor', '--bundle', pipe)
  expect(JSON.parse(await read)).toMatchObject({ self: { nodeId: 'abc' } })
  expect(statSync(pipe).mode & 0o777).toBe(0o622)
})

test('secrets are known by their name, by where they stand in a url, or because somebody says so', () => {
  const given = {
    check: { type: 'http', headers: { 'x-any': 's1' }, path: '/ok' },
    metadata: { dbPassword: 's2', team: 's8' },
    nested: [{ apiKey: 's3', tokens: 7, secretNames: ['s4'] }],
    text: 'grpc://u:s5@h:1, then wss://s6@h/x?sig=s7&b=1 with basic czg=',
    tags: ['blue', 'pwd=s3'],
    pem: 'so: -----BEGIN EC PRIVATE KEY-----\ns4\n-----END EC PRIVATE KEY----- .',
    s9: 'said s9 twice',
  }
  const shown = redacted(given, ['s9'])
  expect(JSON.stringify(shown)).not.toMatch(/s[1-9]\b|czg/)
  expect(shown).toMatchObject({
    ...{ check: { type: 'http', path: '/ok' }, metadata: { team: '[redacted]' }, nested: [{ tokens: 7 }] },
    ...{ tags: ['blue', 'pwd=[redacted]'], pem: 'so: [redacted] .' },
    text: 'grpc://[redacted]@h:1, then wss://[redacted]@h/x?[redacted] with basic [redacted]',
  })
})

test('version says what the program is, and what it speaks', async () => {
  expect(await fine('version')).toMatch(/^rollcall \d+\.\d+\.\d+, protocol \d+, on Node v\d+/)
  expect(JSON.parse(await fine('version', '--json'))).toMatchObject({ protocol: protocolVersion })
})
