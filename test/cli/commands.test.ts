/** What each command that asks a daemon prints and returns, against a real server with a service in memory. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { RegistryError } from '../../src/core/model/errors.js'
import { type InstanceRow, type InvisibleReason, type MemberView, invisibleReasons } from '../../src/core/views.js'
import { otherPeer, ownPeer } from '../http/service.js'
import { runCli, startCli } from './run.js'
import { cli, dir, fine, onTerminal, served } from './served.js'

interface InstanceList {
  readonly instances: readonly unknown[]
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
    expect(await fine('instances', '--slug', 'web')).toBe('no such instances\n')
  })

  test('go into maintenance with a reason, and come back', async () => {
    await fine('register', '--url', 'http://10.0.0.6:80', '--id', 'm-1', '--slug', 'mended', '--check', 'http:/healthz')
    expect(await fine('maintenance', 'on', 'm-1', '--reason', 'new disk')).toMatch(/^m-1 is in maintenance/)
    expect(await fine('instances', '--slug', 'mended')).not.toContain('m-1')
    expect(await fine('instances', '--slug', 'mended', '--all')).toContain('no: in maintenance: new disk')
    expect(await fine('maintenance', 'off', 'm-1')).toBe('m-1 is back in service\n')
    const rows = JSON.parse(await fine('instances', '--slug', 'mended', '--all', '--json')) as { instances: unknown[] }
    expect(rows.instances).toMatchObject([{ id: 'm-1', check: 'http:/healthz', visible: true }])
    const elsewhere = await cli('maintenance', 'on', 'ghost')
    expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining('ask node def') as string })
    await fine('deregister', 'm-1')
  })

  test('of a node that drains are picked by nobody, and it says how many know', async () => {
    expect(await fine('drain')).toMatch(/^\d+ instances? at \S+ (is|are) picked by nobody: all 2 nodes hold that\n$/)
    expect(JSON.parse(await fine('drain', '--json', '--delay', '1ms'))).toMatchObject({
      draining: true,
      acks: 2,
      alive: 2,
    })
    expect(served.service.isDraining).toBe(true)
    expect(await fine('drain', '--undo')).toMatch(/is called again\n$/)
    expect(served.service.isDraining).toBe(false)
    expect(await cli('drain', '--delay', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('delay') as string,
    })
  })

  test('live with sessions, which are listed', async () => {
    expect(await fine('sessions')).toBe('no sessions\n')
    const lost = { id: 'ses_1', state: 'lost', grace: '5s', heardAge_ms: 4000, instances: 2, holder: 'ci' } as const
    const asked = vi.spyOn(served.service, 'sessions').mockReturnValue([lost])
    expect(await fine('sessions')).toMatch(/^SESSION +STATE +HEARD .*\nses_1 +lost +4.0 s ago +5s +2 +ci\n$/)
    expect(JSON.parse(await fine('sessions', '--json'))).toEqual({ sessions: [lost] })
    asked.mockRestore()
    expect(await cli('register', '--url', 'http://a.test', '--lifetime', 'ttl')).toMatchObject({ code: 2 })
    expect(await cli('register', '--url', 'http://a.test', '--lifetime', 'forever')).toMatchObject({ code: 2 })
  })

  test('say what they are besides where, and are changed without being registered again', async () => {
    const traits = ['--metadata', 'color=blue', 'team=a', '--port', 'metrics=9464', '--weight', '10', '--zone', 'z9']
    const life = ['--ttl', '30s', '--grace', '10s', '--deregister-after', '1m', '--check', '{"tcp":{},"interval":"9s"}']
    const more = ['--service-version', '1.2', ...life]
    await fine('register', '--url', 'http://10.0.3.1:80', '--id', 't-1', '--slug', 'told', ...traits, ...more)
    const one = async (): Promise<unknown> => {
      const { instances } = JSON.parse(await fine('instances', '--all', '--id', 't-1', '--json')) as InstanceList
      return instances[0]
    }
    expect(await one()).toMatchObject({
      ...{ metadata: { color: 'blue', team: 'a' }, ports: { metrics: 9464 }, weight: 10, zone: 'z9', version: '1.2' },
      ...{ ttl: '30s', grace: '10s', deregisterAfter: '1m' },
    })
    const listed = JSON.parse(await fine('instances', '--id', 't-1', '--json')) as InstanceList
    const { lastHeartbeat: _, ...picked } = JSON.parse(await fine('pick', 'told', '--json')) as Record<string, unknown>
    expect(listed.instances[0]).toMatchObject(picked)
    const found = await fine('instances', '--metadata', 'color=blue', '--zone', 'z9', '--service-version', '1.2')
    expect(found).toMatch(/WEIGHT +VERSION +ZONE +PORTS +METADATA\n.* 10 +1\.2 +z9 +metrics=9464 +color=blue team=a\n$/)
    expect(await fine('instances', '--metadata', 'color=red')).toBe('no such instances\n')
    expect(await fine('pick', 'told', '--port', 'metrics')).toBe('http://10.0.3.1:9464\n')
    expect(await fine('update', 't-1', '--weight', '0', '--tag', 'x', '--metadata', 'color=red')).toBe('updated t-1\n')
    expect(await one()).toMatchObject({ weight: 0, tags: ['x'], metadata: { color: 'red' } })
    expect(await cli('update', 't-1')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--weight, --tag or --metadata/) as string,
    })
    const reported = await fine('report', 't-1', 'error', '--details', 'no database', '--json')
    expect(JSON.parse(reported)).toEqual({ id: 't-1', status: 'Error' })
    expect(await fine('suspect', 't-1')).toMatch(/^t-1: Error; looked at\n/)
    expect(await cli('report', 't-1', 'Eror')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/did you mean Error\?/) as string,
    })
    expect(await cli('renew', 't-1')).toMatchObject({ code: 1, stderr: expect.stringMatching(/has no ttl/) as string })
    expect(JSON.parse(await fine('maintenance', 'on', '--slug', 'told', '--json'))).toEqual({
      done: ['t-1'],
      failed: [],
    })
    expect(await fine('maintenance', 'off', '--zone', 'z9')).toBe('t-1 is back in service\n')
    expect(await cli('maintenance', 'off')).toMatchObject({ code: 2 })
    await fine('deregister', 't-1')
  })

  test('with --all each record says why it is not visible', async () => {
    const table = await fine('instances', '--all', '--slug', 'gone')
    expect(table).toMatch(/OWNER +NUMBER +LIFETIME +CHECK +VISIBLE\n/)
    expect(table).toMatch(/ghost.* 3 +persistent +tcp +no: node hidden\n$/)
  })

  test('with --all each record says how it is checked, within 80 columns too', async () => {
    await fine('register', '--url', 'http://10.0.2.1:8080', '--id', 'c-1', '--slug', 'checked', '--check', 'http:/up')
    await fine('register', '--url', 'http://10.0.2.2:8080', '--id', 'c-2', '--slug', 'checked', '--check', 'none')
    await fine('register', '--url', 'http://10.0.2.3:8080', '--id', 'c-3', '--slug', 'checked')
    const command = ['instances', '--all', '--slug', 'checked']
    const whole = (await fine(...command)).trimEnd().split('\n')
    const narrow = await onTerminal(80, command)
    expect(whole[0]).toMatch(/ NODE .* NUMBER +LIFETIME +CHECK +VISIBLE$/)
    expect(narrow[0]).toMatch(/ CHECK +VISIBLE$/)
    for (const line of narrow) expect(line.length).toBeLessThanOrEqual(80)
    for (const lines of [whole, narrow])
      for (const [i, check] of ['http:/up', 'none', 'tcp'].entries())
        expect(lines[i + 1]).toMatch(new RegExp(` ${check} +yes$`))
    for (const id of ['c-1', 'c-2', 'c-3']) await fine('deregister', id)
  })

  test('are filtered by whatever they have, all filters at once', async () => {
    await fine(
      'register',
      '--url',
      'grpc://10.0.1.1:80',
      '--slug',
      'f',
      '--id',
      'f-1',
      '--tag',
      'x',
      '--deployment-id',
      'd',
    )
    await fine('register', '--url', 'http://10.0.1.2:80', '--slug', 'f', '--id', 'f-2', '--tag', 'x', 'y')
    const ids = async (...filters: string[]): Promise<string[]> => {
      const { instances } = JSON.parse(await fine('instances', '--slug', 'f', ...filters, '--json')) as {
        instances: { id: string }[]
      }
      return instances.map(({ id }) => id)
    }
    expect(await ids()).toEqual(['f-1', 'f-2'])
    expect(await ids('--tag', 'y')).toEqual(['f-2'])
    expect(await ids('--tag', 'x', '--scheme', 'grpc')).toEqual(['f-1'])
    expect(await ids('--deployment-id', 'd')).toEqual(['f-1'])
    expect(await ids('--host', '10.0.1.2')).toEqual(['f-2'])
    expect(await ids('--ip', '10.0.1.2', '--tag', 'z')).toEqual([])
    expect(await ids('--status', 'Healthy')).toEqual([])
    expect(await ids('--node', 'http://10.0.0.5:58231')).toEqual(['f-1', 'f-2'])
    expect(await ids('--node', 'def')).toEqual([])
    expect(await cli('instances', '--node', 'nobody')).toMatchObject({
      ...{ code: 1, stderr: 'rollcall: there is no node nobody. See rollcall members\n' },
    })
    expect((await cli('instances', '--status', 'helthy')).stderr).toMatch(/Unknown, Healthy, Degraded/)
  })

  test('one is called for scripts: bytes go there and come back as they are', async () => {
    const service = createServer((request, response) => {
      if (request.url === '/breaks') {
        response.writeHead(200, { 'content-length': 100 })
        response.write('half', () => response.destroy())
      } else if (request.url === '/long') response.end(Buffer.alloc(4 * 1024 * 1024))
      else request.pipe(response)
    }).listen(0, '127.0.0.1')
    await once(service, 'listening')
    const { port } = service.address() as AddressInfo
    await cli('register', '--url', `http://127.0.0.1:${port}`, '--slug', 'called', '--id', 'c-1')
    const [body, answer] = [join(dir, 'body'), join(dir, 'answer')]
    const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0xff, 0x00, 0x0d, 0x0a, 0xfe])
    writeFileSync(body, bytes)
    const environment = { ...process.env, ROLLCALL_SERVER: served.url, BODY: body, ANSWER: answer }
    const script = `call() { "$NODE" dist/cli/main.js call called "$@"; }
      call /echo -d "@$BODY" > "$ANSWER.1" && call /echo -d - < "$BODY" > "$ANSWER.2"; echo $?
      call /breaks; echo $?
      { call /long; echo $? >&2; } | head -c 1 > /dev/null
      call /echo -d @/nowhere; echo $?`
    const shell = spawn('sh', ['-c', script], { env: { ...environment, NODE: process.execPath } })
    const said = await Promise.all([text(shell.stdout), text(shell.stderr)])
    service.close()
    expect(said[0]).toBe('0\nhalf1\n2\n')
    expect(said[1].split('\n')).toEqual([
      expect.stringMatching(/^rollcall: called: the answer broke off \(.+\)$/),
      '0',
      'rollcall: cannot read /nowhere (ENOENT)',
      '',
    ])
    expect([readFileSync(`${answer}.1`), readFileSync(`${answer}.2`)]).toEqual([bytes, bytes])
    expect(await cli('call', 'called', '/')).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: `rollcall: called: connect ECONNREFUSED 127.0.0.1:${port}; asked c-1 (http://127.0.0.1:${port})\n`,
    })
    await fine('deregister', 'c-1')
  })

  test('one is picked for scripts: its url and nothing else', async () => {
    await fine('register', '--url', 'http://10.0.2.1:80', '--slug', 'picked', '--id', 'p-1')
    expect(await fine('pick', 'picked')).toBe('http://10.0.2.1:80\n')
    expect(JSON.parse(await fine('pick', 'picked', '--json'))).toMatchObject({ id: 'p-1', slug: 'picked' })
    expect(await fine('pick', 'picked', '--max-age', '1m')).toBe('http://10.0.2.1:80\n')
    expect((await cli('pick', 'picked', '--max-age', '300ms')).stderr).toContain('maxAge: what this node knows of')
    expect(await cli('pick', 'nobody')).toMatchObject({ code: 1, stdout: '' })
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
    expect(await fine('definitions')).toBe(await fine('definitions', 'list'))
    expect(JSON.parse(await fine('definitions', 'show', 'svc'))).toEqual(served.service.definitions()[0])
    expect((await cli('definitions', 'show', 'svk')).stderr).toBe(
      'rollcall: there is no definition svk; did you mean svc?\n',
    )
    expect((await cli('definitions', 'sav')).stderr).toMatch(/no command definitions sav; did you mean save\?/)
    expect(await fine('definitions', 'remove', 'svc')).toBe('removed svc\n')
  })

  test('are saved from YAML, and from standard input', async () => {
    const file = join(dir, 'definition.yaml')
    writeFileSync(file, 'id: y-1\nimage:\n  name: acme/y:1\nports: [80, 81]\n')
    expect(await fine('definitions', 'save', file)).toBe('saved y-1\n')
    const saved = await runCli(['definitions', 'save', '-', '--json'], { ROLLCALL_SERVER: served.url }, 'id: y-2\n')
    expect(saved).toEqual({ code: 0, stdout: '{\n  "id": "y-2"\n}\n', stderr: '' })
    const held = served.service.definitions().filter(({ id }) => id.startsWith('y-'))
    expect(held).toEqual([{ id: 'y-1', image: { name: 'acme/y:1' }, ports: [80, 81] }, { id: 'y-2' }])
    const empty = await runCli(['definitions', 'save', '-'], { ROLLCALL_SERVER: served.url }, '')
    expect(empty).toMatchObject({ code: 2, stderr: 'rollcall: stdin: there is nothing in it\n' })
    const late = '(sleep 0.5; echo id: y-3) | "$NODE" dist/cli/main.js definitions save -'
    const shell = spawn('sh', ['-c', late], {
      env: { ...process.env, ROLLCALL_SERVER: served.url, NODE: process.execPath },
    })
    expect(await Promise.all([text(shell.stdout), text(shell.stderr)])).toEqual(['saved y-3\n', ''])
    for (const id of ['y-1', 'y-2', 'y-3']) await fine('definitions', 'remove', id)
  })

  test('that cannot be read are named by their file', async () => {
    const file = join(dir, 'bad.json')
    writeFileSync(file, '{"id":')
    expect(await cli('definitions', 'save', file)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${file}:1: neither YAML nor JSON`) as string,
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

  test.each([
    ['save', '/dev/zero', '/dev/zero (larger than 16 MiB)'],
    ['save', '.', '. (a directory, not a file)'],
  ])('that have no end, or are no file, are named as well: %s %s', async (act, path, why) => {
    const stderr = `rollcall: cannot read ${why}\n`
    expect(await cli('definitions', act, path)).toMatchObject({ code: 2, stdout: '', stderr })
  })
})

test('a body that has no end is not read to it', async () => {
  const stderr = 'rollcall: cannot read /dev/zero (larger than 256 MiB)\n'
  expect(await cli('call', 'called', '-d', '@/dev/zero')).toMatchObject({ code: 2, stdout: '', stderr })
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
    expect(table.match(/^mDNS .*$/gm)).toEqual(['mDNS on eth0 (IPv6): cannot send: send EPERM ff02::fb%eth0:5353'])
  })

  test('peers: seeds that do not answer, and who did not come in, stand there with the reason', async () => {
    const why = 'but the handshake failed: is the cluster key the same?'
    served.service.failures = [
      { where: 'node-1.test:58232', direction: 'outbound', error: `reached 10.0.0.7:58232, ${why}` },
      { where: '10.0.0.8', direction: 'inbound', error: `reached us, ${why}` },
    ]
    try {
      const lines = (await fine('peers')).trimEnd().split('\n')
      expect(lines[2]).toMatch(/^- +- +node-1\.test:58232 +outbound +no /)
      expect(lines[3]).toMatch(/^- +- +10\.0\.0\.8 +inbound +no /)
      expect(lines).toContain(`node-1.test:58232: reached 10.0.0.7:58232, ${why}`)
      expect(lines).toContain(`10.0.0.8: reached us, ${why}`)
      expect(JSON.parse(await fine('peers', '--json'))).toMatchObject({ failures: served.service.failures })
    } finally {
      served.service.failures = []
    }
  })

  test('peers: those that are gone for good are counted, and neither who may be back nor who is there is one of them', async () => {
    const { peers, ...rest } = served.service.peers()
    const away = { connected: false, streamsHealthy: false, heartbeats: 0, lastError: 'ECONNREFUSED' } as const
    const gone = [
      ...(['refused', 'no-answer'] as const).map((dial) => ({ ...away, peer: `gone-${dial}`, dial })),
      { ...away, peer: 'frozen', dial: 'silent' as const },
      { ...away, peer: 'another', nodeId: 'dead', dial: 'refused' as const },
      { ...away, peer: 'untried' },
    ]
    const asked = vi.spyOn(served.service, 'peers').mockReturnValue({ ...rest, peers: [...peers, ...gone] })
    const table = await fine('peers')
    expect(JSON.parse(await fine('peers', '--json'))).toMatchObject({ peers: { length: 6 } })
    asked.mockRestore()
    expect(table).toMatch(/\nand 2 peers of before, gone by now; --json lists all\nnot in step/)
    expect(table).not.toContain('gone-')
    for (const name of ['frozen', 'another', 'untried', 'dead: ECONNREFUSED']) expect(table).toContain(name)
  })

  test('members: this one is marked, silence is counted', async () => {
    const [, own, other] = (await fine('members')).trimEnd().split('\n')
    expect(own).toMatch(/^abc \(self\) .* alive +90 s ago +- +7 +0 +12 +- +- +-$/)
    expect(other).toMatch(/^def .* hidden +1\.5 s ago +4\.0 s ago +9 .* 13 % +abc +http:/)
  })

  test('nodes: usage in words; by room, the most first', async () => {
    expect(await fine('nodes', '--by', 'memory')).toMatch(/3\.0 KiB +1\.0 s ago +abc .*\n- +- +def /)
    expect(await fine('nodes')).toMatch(/abc +http:\/\/10\.0\.0\.5:58231 +eu +- .* 13 % +1\.0 KiB of 4\.0 KiB +- +-\n/)
  })
})

describe('status', () => {
  test('says on one screen how all is, and which command tells more', async () => {
    const lines = (await fine('status')).trimEnd().split('\n')
    expect(lines.slice(0, 5)).toEqual([
      'node       abc  http://10.0.0.5:58231',
      'daemon     ready, up 1.2 s, version 0.1.0',
      'cluster    default',
      'members    1 alive, 1 hidden',
      '           hidden for 1.5 s: def (it fell silent: its process is frozen (suspended, or stuck), or its machine is)',
    ])
    expect(lines[5]).toMatch(/^instances  \d+ Unknown; 1 not visible: rollcall instances --all says why$/)
    expect(lines.slice(6)).toEqual([
      'replica    not in step with 1 of 1 peers; see: rollcall peers',
      'dropped    2 records that are not signed by their node [bad signature]',
    ])
  })

  test('asks how many instances there are, and for none of them; of an earlier version for all', async () => {
    const rows = vi.spyOn(served.service, 'instanceRows')
    const counts = vi
      .spyOn(served.service, 'instanceCounts')
      .mockReturnValue({ visible: { Healthy: 60_000 }, notVisible: 0 })
    expect(await fine('status')).toMatch(/^instances +60000 Healthy$/m)
    expect(rows).not.toHaveBeenCalled()
    counts.mockImplementation(() => {
      throw new RegistryError('not-found', 'no such path')
    })
    expect(await fine('status')).toMatch(/^instances +\d+ Unknown; 1 not visible/m)
    for (const spy of [rows, counts]) spy.mockRestore()
  })

  test('as JSON has a shape of its own', async () => {
    expect(JSON.parse(await fine('status', '--json'))).toMatchObject({
      ...{ self: { nodeId: 'abc' }, inStep: false, degraded: false, step: 'not in step with 1 of 1 peers' },
      ...{ members: { alive: 1, hidden: 1 }, missing: [{ name: 'def', state: 'hidden' }] },
      instances: { notVisible: 1 },
    })
  })

  test('says why the doctor says nothing, but for an earlier version, which has none', async () => {
    const doctor = vi.spyOn(served.service, 'doctor')
    doctor.mockRejectedValueOnce(new RegistryError('forbidden', 'the doctor: not for you'))
    expect(await fine('status')).toMatch(/\nwrong +cannot be told: .*the doctor: not for you; see: rollcall doctor\n/)
    doctor.mockRejectedValueOnce(new RegistryError('not-found', 'no such path'))
    expect(await fine('status')).not.toMatch(/\nwrong/)
    doctor.mockRestore()
  })

  test('says what the doctor finds wrong, but for what it says itself', async () => {
    const found = { meaning: 'so', remedy: 'do', about: [] }
    const findings = [
      { ...found, id: 'clone', severity: 'error', what: 'Two daemons run with one key.' },
      { ...found, id: 'node-gone', severity: 'error', what: 'def is hidden.' },
      { ...found, id: 'clock-skew', severity: 'warning', what: 'Clocks differ.' },
      { ...found, id: 'draining', severity: 'note', what: 'def is drained.' },
    ] as const
    const diagnosis = { at: 'now', by: 'abc', answered: 1, nodes: 2, findings }
    vi.spyOn(served.service, 'doctor').mockResolvedValue(diagnosis)
    const lines = (await fine('status')).trimEnd().split('\n').slice(-3)
    expect(lines).toEqual([
      'wrong      Two daemons run with one key.',
      '           Clocks differ.',
      '           what to do: rollcall doctor',
    ])
    vi.restoreAllMocks()
  })

  test('says why a daemon is not ready', async () => {
    served.service.ready = { ready: false, reasons: ['joining'], degraded: false }
    const { code, stdout } = await cli('status')
    expect(code).toBe(3)
    expect(stdout).toMatch(/daemon +not ready, up .*\n +joining\n/)
    served.service.ready = { ready: true, reasons: [], degraded: false, behind: true }
    expect(await fine('status')).toMatch(/daemon +ready, without all that others hold, up /)
    served.service.ready = { ready: true, reasons: [], degraded: false }
  })
})

describe('a daemon in doubt', () => {
  function lose(dial?: MemberView['dial'], degraded = true): void {
    const lost = (member: MemberView): MemberView =>
      member.self ? member : { ...member, state: 'dead', ...(dial !== undefined && { dial }) }
    vi.spyOn(served.service, 'members').mockReturnValue(served.service.members().map(lost))
    const summary = 'in doubt: 1 of 5 nodes in sight; alone: no peer is connected'
    vi.spyOn(served.service, 'peers').mockReturnValue({ inStep: false, degraded, summary, peers: [] })
    const shown = (row: InstanceRow): InstanceRow =>
      row.id === 'ghost' ? { ...row, reason: 'node-dead', why: 'node dead', degraded: true } : row
    vi.spyOn(served.service, 'instanceRows').mockReturnValue(served.service.instanceRows().map(shown))
  }

  afterEach(() => void vi.restoreAllMocks())

  test('is said by status, which ends with 3, and by peers', async () => {
    lose('no-answer')
    const { code, stdout, stderr } = await cli('status')
    expect([code, stderr]).toEqual([3, ''])
    expect(stdout).toContain('replica    in doubt: 1 of 5 nodes in sight')
    expect(stdout).toMatch(/dead for 1.5 s: def \(no answer to dials: its machine or the line to it is down\)/)
    const json = await cli('status', '--json')
    expect(json.code).toBe(3)
    expect(JSON.parse(json.stdout)).toMatchObject({ inStep: false, degraded: true, missing: [{ dial: 'no-answer' }] })
    expect(await fine('peers')).toContain('in doubt: 1 of 5 nodes in sight')
  })

  test('says once that all are out of sight, and of one that said goodbye just that', async () => {
    lose('no-answer')
    const [self, def] = served.service.members()
    const out = ['def', 'ghi'].map((nodeId) => ({ ...def!, nodeId, outOfSight_ms: 9000 }))
    const gone = { ...def!, nodeId: 'jkl', state: 'left', dial: 'refused' } as const
    vi.spyOn(served.service, 'members').mockReturnValue([self!, ...out, gone])
    const { stdout } = await cli('status')
    expect(stdout).toContain('all 2 others at once, which points to this machine: def, ghi\n')
    expect(stdout).toContain('left for 1.5 s: jkl (it said goodbye)\n')
    expect(stdout).not.toContain('no answer to dials')
  })

  test('shows what lookups list as degraded as that, and offers to forget nobody', async () => {
    lose('refused')
    const answer = await fine('why', 'gone')
    expect(answer).toContain('  shown as degraded: node dead\n')
    expect(answer).toContain('at def, dead for 1.5 s, last heard 4.0 s ago, reported by abc; dials are refused')
    expect(answer).toContain('ask another one too (--server)')
    expect(answer).not.toContain('force-leave')
    expect(await fine('instances', '--all')).toContain('as degraded: node dead')
  })

  test.each([
    ['refused', true],
    ['no-answer', false],
    [undefined, false],
  ] as const)(
    'without doubt a dead one is to be forgotten only where its machine says that it is gone: %s',
    async (dial, isOffered) => {
      lose(dial, false)
      expect((await fine('why', 'gone')).includes('force-leave def')).toBe(isOffered)
    },
  )
})

describe('why', () => {
  test('asks for the records of that name alone; for all of them only where there are none', async () => {
    const asked = vi.spyOn(served.service, 'instanceRows')
    await fine('why', 'gone')
    expect(asked.mock.calls).toEqual(expect.arrayContaining([[{ slug: 'gone' }], [{ id: 'gone' }]]))
    expect(asked).toHaveBeenCalledTimes(2)
    await cli('why', 'nothing-like-it')
    expect(asked.mock.calls.at(-1)).toEqual([{}])
    asked.mockRestore()
  })

  test('tells of each record whether it is visible, at whose daemon, who reported that, and what to do', async () => {
    expect(await fine('why', 'gone')).toBe(
      [
        'gone: 0 of 1 record visible',
        '',
        'ghost  http://10.0.0.9:80  (gone)',
        '  not visible: node hidden',
        '  at def, hidden for 1.5 s, last heard 4.0 s ago, reported by abc',
        '  lifetime: persistent',
        '  its daemon is not heard: it comes back by itself when it is, else it is dead soon',
        '',
        'this daemon: not in step with 1 of 1 peers; see: rollcall peers',
        '',
      ].join('\n'),
    )
    expect(await fine('why', 'ghost')).toMatch(/^ghost: 0 of 1 record visible/)
  })

  test('tells of a visible one what its status means', async () => {
    await fine('register', '--url', 'http://10.0.3.1:80', '--slug', 'seen', '--id', 's-1')
    const answer = await fine('why', 'seen')
    expect(answer).toMatch(/^seen: 1 of 1 record visible\n\ns-1 .*\n {2}visible, Unknown\n {2}at abc, alive/)
    expect(answer).toContain('has not checked it yet')
  })

  test.each([
    [{ reached: true, how: 'heartbeats', age_ms: 60_000 }, 'reached: this daemon hears its node itself, for 60 s'],
    [{ reached: true, how: 'home' }, 'reached: it is at home here, and the last check of this daemon reached it'],
    [{ reached: false, how: 'home' }, 'not reached: it is at home here, and the last check of this daemon did not'],
    [{ how: 'home' }, 'unknown: it is at home here, and no check says whether it is reached'],
    [{ how: 'hearsay' }, 'unknown: this daemon hears of its node through others alone'],
    [{ reached: false, how: 'silence', age_ms: 3000 }, 'not reached, so it is picked last: this daemon does not hear'],
    [{ reached: false, how: 'suspected', age_ms: 10 }, 'not reached, so it is picked last: a caller of this daemon'],
  ] as const)('from here: %j is told as %s', async (fromHere, words) => {
    const rows = served.service.instanceRows().map((row) => ({ ...row, fromHere }))
    const asked = vi.spyOn(served.service, 'instanceRows').mockReturnValue(rows)
    expect(await fine('why', 'ghost')).toContain(`\n  from here: ${words}`)
    asked.mockRestore()
  })

  const advice: Readonly<Record<InvisibleReason, string>> = {
    removed: 'register it again if that was wrong',
    superseded: 'that record counts',
    maintenance: 'rollcall maintenance off ghost',
    'node-restarted': 'that takes a health check',
    'node-unknown': 'is it running?',
    'node-hidden': 'it comes back by itself',
    'node-dead': 'its machine is off, or the line to it is cut',
    'node-left': 'its daemon was stopped',
  }

  test.each(invisibleReasons)('of a record that is not visible it says what to do, by the code %s', async (reason) => {
    const rows = served.service.instanceRows().map((row) => (row.id === 'ghost' ? { ...row, reason, why: 'so' } : row))
    const asked = vi.spyOn(served.service, 'instanceRows').mockReturnValue(rows)
    const answer = await fine('why', 'ghost')
    expect(answer).toContain('not visible: so\n')
    for (const [code, words] of Object.entries(advice)) expect(answer.includes(words)).toBe(code === reason)
    asked.mockRestore()
  })

  test.each(['hidden', 'dead'] as const)(
    'of a node that is %s and heard again it says when that counts',
    async (state) => {
      const returning = { state, dial: 'refused', returnsIn_ms: 8000 } as const
      const members = served.service.members().map((one) => (one.nodeId === 'def' ? { ...one, ...returning } : one))
      const rows = served.service
        .instanceRows()
        .map((row) => (row.id === 'ghost' ? ({ ...row, reason: `node-${state}` } as const) : row))
      const spies = [
        vi.spyOn(served.service, 'members').mockReturnValue(members),
        vi.spyOn(served.service, 'instanceRows').mockReturnValue(rows),
      ]
      const [why, status] = [await fine('why', 'ghost'), await fine('status')]
      spies.forEach((spy) => spy.mockRestore())
      expect(why).toContain(
        'its daemon is heard again, and this is listed in 8.0 s if it stays: twice as long with each',
      )
      expect(status).toContain('def (it is heard again, and back in 8.0 s if it stays)')
      for (const said of [why, status]) expect(said).not.toContain('its process is gone')
    },
  )

  test('says who drains it, or that its session is lost, since when, and when its record goes', async () => {
    const ending = { what: 'session lost', age_ms: 2000, goesIn_ms: 3000 } as const
    const hidden = { reason: 'maintenance', why: 'in maintenance: draining', drainedBy: ['node'] } as const
    const of = (more: object) =>
      served.service.instanceRows().map((row) => (row.id === 'ghost' ? { ...row, ...more } : row))
    const asked = vi.spyOn(served.service, 'instanceRows')
    for (const [more, words] of [
      [{ ending }, 'session lost 2.0 s ago; its record goes in 3.0 s'],
      [{ ending: { ...ending, goesIn_ms: 0 } }, 'session lost 2.0 s ago; its record goes now'],
      [hidden, 'its node is about to stop; if that is not so: rollcall drain --undo, on the machine of def'],
      [{ ...hidden, owner: ownPeer }, `if that is not so: rollcall drain --undo --server ${served.url}`],
      [{ ...hidden, drainedBy: ['program'] }, 'its program is about to stop'],
    ] as const) {
      const rows = of(more)
      asked.mockReturnValueOnce(rows)
      expect(await fine('why', 'ghost')).toContain(words)
    }
    asked.mockRestore()
  })

  test.each([
    ['tcp', 'not renewed within 3s', 'did not say so again in time, which says nothing of http://10.0.0.9:80'],
    ['none', 'its session is lost', 'the program that opened its session does not speak to its daemon any more'],
    ['reported', 'no database', 'it says so itself'],
    [{ reported: {}, failureThreshold: 2 }, undefined, 'it says so itself'],
    ['tcp', 'nothing listens there', 'its node cannot connect to http://10.0.0.9:80'],
    ['tcp', 'nothing listens there; its session is lost', 'its node cannot connect to http://10.0.0.9:80'],
  ] as const)('blames the network only where a check does: %j, %s', async (check, details, words) => {
    const rows = served.service.instanceRows().map((row) => ({
      ...{ ...row, check, status: 'Unreachable' as const, visible: true },
      ...(details !== undefined && { details }),
    }))
    const asked = vi.spyOn(served.service, 'instanceRows').mockReturnValue(rows)
    const answer = await fine('why', 'ghost')
    expect(answer).toContain(words)
    expect(answer.includes('cannot connect')).toBe(words.includes('cannot connect'))
    asked.mockRestore()
  })

  test('of what nobody registered names the nearest, and that this replica may be behind', async () => {
    const { code, stderr } = await cli('why', 'gonne')
    expect(code).toBe(1)
    expect(stderr).toMatch(/nothing is registered as gonne .*did you mean gone\?; but this replica is not in step/)
    expect((await cli('why', 'something-else')).stderr).not.toContain('did you mean')
  })

  test.each([
    ['why', 'web', 'rollcall history --slug web'],
    ['why', 'web-1', 'rollcall history web-1'],
    ['lookup', 'web', 'rollcall history --slug web'],
  ])('%s of %s, which is gone without a record, names the history that knows', async (command, name, wayOut) => {
    const [instances, rows] = [vi.spyOn(served.service, 'instances'), vi.spyOn(served.service, 'instanceRows')]
    for (const list of [instances, rows]) list.mockReturnValue([])
    const { code, stderr } = await cli(command, name)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /nothing is registered as .*; the last that is remembered of it is: maintenance \(new disk\), /,
    )
    expect(stderr).toContain(`all of that: ${wayOut}`)
    for (const list of [instances, rows]) list.mockRestore()
  })

  test('as JSON has a shape of its own', async () => {
    expect(JSON.parse(await fine('why', 'gone', '--json'))).toMatchObject({
      ...{
        query: 'gone',
        visible: 0,
        replica: { inStep: false, ready: { ready: true, reasons: [], degraded: false } },
      },
      records: [
        {
          record: { id: 'ghost', why: 'node hidden', reason: 'node-hidden' },
          home: { name: 'def', reportedBy: ['abc'] },
        },
      ],
    })
  })
})

describe('force-leave', () => {
  test('takes an id, a url or a peer id, and forgets that node', async () => {
    const forget = vi.spyOn(served.service, 'removeNode').mockResolvedValue()
    for (const name of ['def', 'http://10.0.0.6:58231/x', otherPeer]) {
      expect(await fine('force-leave', name)).toMatch(
        /^forgot def \(it was hidden for 1\.5 s; if it lives, it comes back/,
      )
    }
    expect(forget.mock.calls.map(([peer]) => peer)).toEqual(Array(3).fill(otherPeer))
    expect(JSON.parse(await fine('force-leave', 'def', '--json'))).toEqual({
      ...{ peer: otherPeer, nodeId: 'def', url: 'http://10.0.0.6:58231/x' },
    })
    forget.mockRestore()
  })

  test('of a name that nobody has guesses nothing: who forgets a node a second time is not led to one that lives', async () => {
    expect(await cli('force-leave', 'dex')).toMatchObject({
      code: 1,
      stderr:
        'rollcall: there is no node dex; it is forgotten already, or was never one: nothing is guessed here. See rollcall members\n',
    })
  })

  test.each([
    ['deregister', 's-0'],
    ['definitions', 'remove', 'svc-0'],
  ])('nor does %s', async (...args) => {
    await fine('register', '--url', 'http://10.0.3.1:80', '--slug', 'seen', '--id', 's-1')
    const { code, stderr } = await cli(...args)
    expect(code).toBe(1)
    expect(stderr).not.toContain('did you mean')
  })
})

describe('--watch', () => {
  test('prints a line for each change, and ends when nobody reads on', async () => {
    const { child, firstLine, outcome } = startCli(['instances', '-n', '0.1', '--json'], {
      ROLLCALL_SERVER: served.url,
    })
    const before = JSON.parse(await firstLine) as { instances: unknown[] }
    const isTold = new Promise<void>((resolve) => {
      let text = ''
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        if (text.includes('n-1')) resolve()
      })
    })
    await fine('register', '--url', 'http://10.0.4.1:80', '--slug', 'new', '--id', 'n-1')
    await isTold
    child.stdout?.destroy()
    await fine('deregister', 'n-1')
    const { code, stderr } = await outcome
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(before.instances.length).toBeGreaterThan(0)
  })

  test('is ended by Ctrl-C, which is no failure', async () => {
    const { child, firstLine, outcome } = startCli(['members', '--watch'], {
      ROLLCALL_SERVER: served.url,
    })
    expect(await firstLine).toMatch(/^NODE/)
    child.kill('SIGINT')
    expect(await outcome).toMatchObject({ code: 0, stderr: '' })
  })

  test('refuses an interval that is none', async () => {
    expect(await cli('members', '--interval', 'often')).toMatchObject({
      ...{ code: 2, stderr: expect.stringMatching(/--interval.*seconds from 0\.1 to 3600/) as string },
    })
  })
})

test('every change says with --json what it did', async () => {
  const json = async (...args: string[]): Promise<unknown> => JSON.parse(await fine(...args, '--json'))
  expect(await json('register', '--url', 'http://10.0.5.1:80', '--id', 'j-1')).toEqual({ id: 'j-1' })
  expect(await json('deregister', 'j-1')).toEqual({ id: 'j-1' })
  expect(await json('keygen', join(dir, 'json.key'))).toEqual({ file: join(dir, 'json.key') })
  expect(await json('keygen')).toEqual({ key: expect.stringMatching(/^\/key\/swarm/) as string })
})
