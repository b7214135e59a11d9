// Who did what: two daemons in this process. Each call that changes something leaves one line with one entry, whatever came of it.
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseConfig } from '../../src/config.js'
import type { Entry } from '../../src/core/journal/entry.js'
import type { History } from '../../src/core/journal/views.js'
import { type Daemon, startDaemon } from '../../src/daemon.js'
import { actsByCall, callsThatChangeNothing } from '../../src/http/recorded.js'
import { readDocument } from '../http/documented.js'
import { until } from './cluster.js'

type Logged = Partial<Entry> & { readonly msg: string }

const daemons: { readonly daemon: Daemon; readonly log: Logged[]; readonly dataDir: string }[] = []
const token = 'ci-secret-token'
const [here, there] = [() => daemons[0]!, () => daemons[1]!]

async function start(nodeId: string, join: readonly string[]): Promise<void> {
  const flags = { temp: true, mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'], nodeId, join }
  const config = parseConfig({ flags, env: {} })
  const log: Logged[] = []
  const write = (line: string): void => void log.push(JSON.parse(line) as Logged)
  const tokens = ['ci', 'reader'].map((name, i) => ({
    ...{ name, may: i === 0 ? ('admin' as const) : ('read' as const) },
    sha256: createHash('sha256').update(`${name}-secret-token`).digest(),
  }))
  const daemon = await startDaemon({ ...config, tokens: { tokens } }, pino({ level: 'info' }, { write }))
  daemons.push({ daemon, log, dataDir: config.dataDir })
}

beforeAll(async () => {
  await start('a', [])
  await start('b', here().daemon.listen)
  await until('both are ready, and connected', async () =>
    daemons.every(({ daemon: { service } }) => service.readiness().ready && service.nodes().length === 2),
  )
})
afterAll(async () => {
  for (const { daemon, dataDir } of daemons) {
    await daemon.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
})

async function ask(line: string, body?: unknown, at = here, by = token): Promise<{ status: number; text: string }> {
  const [method = '', path = ''] = line.split(' ')
  const headers = { authorization: `Bearer ${by}`, 'x-forwarded-for': '6.6.6.6' }
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
  const answer = await fetch(`${at().daemon.http.url}${path}`, init)
  if (answer.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    const said = new TextDecoder().decode((await answer.body!.getReader().read()).value)
    return { status: answer.status, text: said }
  }
  return { status: answer.status, text: await answer.text() }
}

async function history(query = '', at = here): Promise<History> {
  return JSON.parse((await ask(`GET /v1/history?limit=1000&${query}`, undefined, at)).text) as History
}

/** What a call has left: entries of callers, then lines of the log, each in short. */
async function leftBy(line: string, body?: unknown, by = token): Promise<string[]> {
  const [before, lines] = [(await history()).entries, here().log.length]
  await ask(line, body, here, by)
  const known = new Map(before.map(({ seq, times }) => [seq, times]))
  const short = ({ act, id, by, address, via, outcome }: Partial<Entry>): string =>
    [act, id, by, address, via, outcome].map((part) => part ?? '-').join(' | ')
  const entries = (await history()).entries.filter(({ via, seq }) => via === 'http' && !known.has(seq))
  const said = here()
    .log.slice(lines)
    .filter(({ via }) => via === 'http')
  return [...entries.map(short), ...said.map((one) => `logged ${short(one)}`)]
}

/** Each call once as it works, or as it changes nothing; the word is what comes of it. */
const calls: readonly (readonly [call: string, line: string, body: unknown, id: string, outcome: Entry['outcome']])[] =
  [
    [
      'registerInstance',
      'PUT /registry-svc/instance',
      { id: 'i', slug: 'web', url: 'http://127.0.0.1:9' },
      'i',
      'done',
    ],
    [
      'putInstance',
      'PUT /v1/instances',
      { id: 'i', slug: 'web', url: 'http://127.0.0.1:9', check: 'none' },
      'i',
      'done',
    ],
    ['patchInstance', 'PATCH /v1/instances/i', { metadata: { password: 'hidden' } }, 'i', 'done'],
    ['patchInstance', 'PATCH /v1/instances?id=i', { weight: 'heavy' }, 'i', 'refused'],
    ['setMaintenance', 'PUT /v1/instances/i/maintenance', { reason: 'new disk' }, 'i', 'done'],
    ['endMaintenance', 'DELETE /v1/instances/i/maintenance', undefined, 'i', 'done'],
    ['setMaintenanceOfAll', 'PUT /v1/maintenance/many?slug=web', { reason: 'all' }, 'i', 'done'],
    ['endMaintenanceOfAll', 'DELETE /v1/maintenance/many?slug=web', undefined, 'i', 'done'],
    ['endMaintenanceOfAll', 'DELETE /v1/maintenance/many?slug=nobody', undefined, '-', 'refused'],
    ['drainInstance', 'PUT /v1/instances/i/drain', undefined, 'i', 'done'],
    ['endInstanceDrain', 'DELETE /v1/instances/i/drain', undefined, 'i', 'done'],
    ['setStatus', 'PUT /v1/instances/i/status', { status: 'Degraded', details: 'slow' }, 'i', 'done'],
    ['removeInstance', 'DELETE /registry-svc/instance/i', undefined, 'i', 'done'],
    ['removeInstance', 'DELETE /v1/instances?id=i', undefined, 'i', 'refused'],
    ['saveDefinition', 'PUT /registry-svc/definition', { definition: { id: 'd' } }, 'd', 'done'],
    ['saveDefinition', 'PUT /registry-svc/definition', { definition: { id: 'd' } }, 'd', 'unchanged'],
    ['removeDefinition', 'DELETE /registry-svc/definition/d', undefined, 'd', 'done'],
    ['removeDefinition', 'DELETE /v1/definitions?id=d', undefined, 'd', 'refused'],
    ['removeNode', `DELETE /registry-svc/node/nobody`, undefined, '-', 'refused'],
    ['drainNode', 'PUT /v1/self/drain', undefined, '-', 'done'],
    ['endNodeDrain', 'DELETE /v1/self/drain', undefined, '-', 'done'],
    ['endSession', 'DELETE /v1/sessions/none', { secret: 'x' }, 'none', 'refused'],
    ['leave', 'POST /v1/leave', { restrat: true }, '-', 'refused'],
  ]

test('each call that changes something is named, and so is each that does not', async () => {
  const { paths } = await readDocument(here().daemon.http.url, [`authorization: Bearer ${token}`])
  const writing = Object.values(paths).flatMap((path) =>
    Object.entries(path).flatMap(([method, { operationId }]) =>
      method === 'get' ? [] : [operationId.replace(/ById$/, '')],
    ),
  )
  expect([...new Set(writing)].sort()).toEqual([...Object.keys(actsByCall), ...callsThatChangeNothing].sort())
  const tried = [...calls.map(([call]) => call), 'openSession']
  expect(Object.keys(actsByCall).filter((call) => !tried.includes(call))).toEqual([])
  expect(calls.map(([call]) => actsByCall[call]).includes(undefined as never)).toBe(false)
})

test.each(calls)('%s: %s', async (call, line, body, id, outcome) => {
  const what = [actsByCall[call], id, 'ci', '127.0.0.1', 'http', outcome].join(' | ')
  expect(await leftBy(line, body)).toEqual([what, `logged ${what}`])
})

test('who is not let in, or sends no JSON, is told as well, with what was meant', async () => {
  const refused = (by: string): string => `deregister | i | ${by} | 127.0.0.1 | http | refused`
  expect(await leftBy('DELETE /v1/instances?id=i', undefined, 'guess')).toEqual([
    refused('-'),
    `logged ${refused('-')}`,
  ])
  expect(await leftBy('PUT /v1/instances', [])).toHaveLength(2)
})

test('who may not do what he asks for is told by the name of his token, whichever call it is', async () => {
  for (const [call, line, body] of calls) {
    const [entry = ''] = await leftBy(line, body, 'reader-secret-token')
    expect([line, entry.replace(/ [|] (i|d|none|-) [|] /, ' | ')]).toEqual([
      line,
      `${actsByCall[call]} | reader | 127.0.0.1 | http | refused`,
    ])
  }
})

test('signs of life and questions leave nothing', async () => {
  await ask('PUT /v1/instances', { id: 't', slug: 'timed', url: 'http://127.0.0.1:9', check: 'none', ttl: '1h' })
  await ask('PUT /v1/instances/t/status', { status: 'Degraded' })
  for (const line of ['PUT /v1/instances/t/renew', 'POST /v1/instances/t/suspect', 'POST /registry-svc/nodes'])
    expect(await leftBy(line), line).toEqual([])
  expect(await leftBy('PUT /v1/instances/t/status', { status: 'Degraded' })).toEqual([])
  const said = { id: 't', slug: 'timed', url: 'http://127.0.0.1:9' }
  for (const line of ['PUT /v1/instances', 'PUT /registry-svc/instance'])
    for (let i = 0; i < 3; i++) expect(await leftBy(line, said), line).toEqual([])
  expect(await leftBy('PUT /v1/instances', { ...said, weight: 5 })).toHaveLength(2)
})

test('a program that ends its session: its registration, its session, what became of both', async () => {
  const { text } = await ask('POST /v1/sessions', {})
  const { id, secret } = JSON.parse(/data: (.*)/.exec(text)![1]!) as { id: string; secret: string }
  await ask('PUT /v1/instances', { id: 's', slug: 'mine', url: 'http://127.0.0.1:9', check: 'none', session: secret })
  await ask(`DELETE /v1/sessions/${id}`, { secret })
  const acts = async (of: string): Promise<string[]> =>
    (await history(`id=${of}`)).entries.map(({ act, via }) => `${act} ${via}`)
  await until('both are told', async () => (await acts(id)).length >= 2 && (await acts('s')).length >= 2)
  expect(await acts(id)).toEqual(['end session http', 'open session http'])
  expect(await acts('s')).toEqual(['removed daemon', 'register http'])
  expect(here().log.filter(({ act, id }) => act === 'removed' && id === 's')).toHaveLength(1)
})

test('what is found of an instance by its first check comes after its registration, which waits for that', async () => {
  await ask('PUT /v1/instances', { id: 'well', slug: 'well', url: here().daemon.http.url })
  const acts = async (): Promise<string[]> => (await history('id=well')).entries.map(({ act }) => act)
  await until('it is found well', async () => (await acts()).includes('found'))
  expect(await acts()).toEqual(['found', 'register'])
  await ask('DELETE /v1/instances?id=well')
})

test('of an id each node tells what was asked for there; no token, no metadata, no header is told anywhere', async () => {
  await ask('PUT /v1/instances', { id: 'far', slug: 'far', url: 'http://127.0.0.1:9', check: 'none' }, there)
  await until('it is here', async () => here().daemon.service.homeOf('far') !== undefined)
  await ask('PUT /v1/instances/far/maintenance', { reason: 'from afar' })
  for (const at of [here, there]) {
    const { entries, nodes, notAsked, from } = await history('id=far', at)
    expect(entries.filter(({ via }) => via === 'http')).toMatchObject([
      { act: 'maintenance', node: 'a', by: 'ci', slug: 'far', details: 'from afar', outcome: 'done' },
      { act: 'register', node: 'b', by: 'ci', slug: 'far', details: 'http://127.0.0.1:9' },
    ])
    expect(new Set(entries.map(({ peer, seq }) => `${peer} ${seq}`)).size).toBe(entries.length)
    expect(entries.filter(({ via }) => via === 'seen')).toEqual([])
    expect(nodes.map(({ how }) => how)).toEqual(['self', 'answered'])
    expect([notAsked, nodes.every((one) => (one.from !== undefined && from <= one.from) || one.from! <= from)]).toEqual(
      [[], true],
    )
  }
  const told = JSON.stringify([daemons.map(({ log }) => log), await history()])
  for (const secret of ['secret-token', 'hidden', '6.6.6.6']) expect(told).not.toContain(secret)
})

test('whatever is remembered of an instance is remembered with its slug, wherever that is, also once it is gone', async () => {
  const url = 'http://127.0.0.1:9'
  const ids = ['mortal', 'asked', 'moving', 'from-afar']
  const { text } = await ask('POST /v1/sessions', {}, there)
  const { id: session, secret } = JSON.parse(/data: (.*)/.exec(text)![1]!) as { id: string; secret: string }
  await ask('PUT /v1/instances', { id: 'mortal', slug: 'm', url, session: secret }, there)
  for (const id of ids.slice(1)) await ask('PUT /v1/instances', { id, slug: 'm', url, check: 'none' }, there)
  const acts = async (at = here): Promise<string[]> =>
    (await history('slug=m', at)).entries.map(({ act, id, via }) => `${act} ${id} ${via}`)
  await until('they are here', async () => (await acts()).length >= 4)
  await ask(`DELETE /v1/sessions/${session}`, { secret }, there)
  await ask('DELETE /v1/instances?id=asked', undefined, there)
  await ask('PUT /v1/instances', { id: 'moving', slug: 'm', url, check: 'none' })
  await ask('DELETE /v1/instances?id=moving')
  await ask('DELETE /v1/instances?id=from-afar')
  const gone = ['hidden mortal seen', 'hidden asked seen', 'deregister moving http']
  await until('their end is here', async () => {
    const all = await acts()
    return gone.every((one) => all.includes(one))
  })
  expect(await acts()).toEqual(expect.arrayContaining(gone))
  const athome = ['removed mortal daemon', 'deregister asked http', 'moved away moving daemon', 'hidden moving seen']
  await until('all is told at home', async () => {
    const all = await acts(there)
    return athome.every((one) => all.includes(one))
  })
  // What ended by itself, and what a caller there has ended, is told once.
  const hidden = (await acts(there)).filter((one) => one.startsWith('hidden')).sort()
  expect(hidden).toEqual(['hidden from-afar seen', 'hidden moving seen'])
  // Where the node that was asked tells of it, that is all.
  const { entries } = await history('id=from-afar', there)
  expect(entries.map(({ act, via }) => `${act} ${via}`)).toEqual(['deregister http', 'register http'])
  for (const at of [here, there])
    for (const { id, act, slug } of (await history('', at)).entries)
      if (ids.includes(id ?? '')) expect([act, id, slug]).toEqual([act, id, 'm'])
})

test('a node that is gone is named, what was seen of it is told; who was drained is in its own words', async () => {
  await there().daemon.stop()
  // On a busy machine its goodbye may come too late: then it was hidden first.
  const gone = ['left', 'dead']
  await until('it is gone', async () =>
    here()
      .daemon.service.members()
      .some(({ state }) => gone.includes(state)),
  )
  const { entries } = await history('id=b')
  expect(gone.map((state) => `member ${state} daemon`)).toContain(`${entries[0]?.act} ${entries[0]?.via}`)
  expect((await history('id=far')).entries.map(({ act, via, node }) => `${act} ${via} ${node}`)).toContain(
    'shown seen b',
  )
})
