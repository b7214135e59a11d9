// Stories of D2: what this version writes, the versions before it read. What those demand of a record stands here as it was when they
// were written, and never changes; real daemons of theirs are met by `npm run violence -- mixed`.
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { earlierSaid, laterSaid } from '../../../scripts/violence/shapes.js'
import { registrationFields } from '../../../src/core/model/model.js'
import { agree, cluster, done } from './cluster.js'

type Fields = Readonly<Record<string, unknown>>

const statuses = ['Unknown', 'Healthy', 'Degraded', 'Unreachable', 'Error']
const isNothing = (value: unknown): boolean => value === undefined || value === null || value === ''
const isText = (value: unknown): boolean => isNothing(value) || typeof value === 'string'
const isTexts = (value: unknown): boolean =>
  isNothing(value) || (Array.isArray(value) && value.every((one) => typeof one === 'string'))
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1

/** By fields of which a version before registrations had lifetimes drops the whole record where they are not like this. */
const demands: Readonly<Record<string, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  instances: {
    n: isCount,
    status: (value) => statuses.includes(value as string),
    url: (value) => typeof value === 'string',
    port: (value) => value === undefined || value === null || value === 0 || isCount(value),
    tags: isTexts,
    ...Object.fromEntries(
      ['details', 'maintenance', 'slug', 'deploymentId', 'scheme', 'host', 'ip', 'path'].map((name) => [name, isText]),
    ),
  },
  node: {
    id: (value) => typeof value === 'string' && value !== '',
    url: (value) => typeof value === 'string',
    addresses: (value) => isTexts(value) && !isNothing(value),
    ...Object.fromEntries(['region', 'availabilityZone'].map((name) => [name, isText])),
  },
  removals: { n: isCount, at: isCount },
}

/** The fields for which an earlier version would drop it. */
function refusedFor(map: string, value: Fields): string[] {
  return Object.entries(demands[map] ?? {}).flatMap(([name, isRead]) => (isRead(value[name]) ? [] : [name]))
}

test('all that can be registered, told, patched, hidden, ended is written in records that earlier versions read', () => {
  const world = cluster('ab')
  const open = { type: 'open-session', secret: 's', line: 1, isNew: true } as const
  const session = done(world, world.command('a', open)) as string
  const living = { id: 'new-session', slug: 'new', url: 'http://127.0.0.1:31', session: 's', grace: '1s' }
  for (const said of [...earlierSaid, ...laterSaid, living, { ...living, id: 'ended' }])
    done(world, world.register('a', said as never))
  const acts = [
    ['new-check-reported', { type: 'status', status: 'Degraded', details: 'warming up', for_ms: 60_000 }],
    ['new-ttl', { type: 'maintenance', reason: 'so' }],
    ['new-traits', { type: 'patch', weight: 7, tags: ['z'], metadata: { team: 'red' } }],
    ['new-ttl', { type: 'renew' }],
    ['new-session', { type: 'maintenance', reason: 'draining', by: 'program' }],
  ] as const
  for (const [id, act] of acts) done(world, world.command('b', { type: 'act', id, act }))
  done(world, world.command('a', { type: 'drain', isDraining: true }))
  done(world, world.deregister('b', 'ended'))
  for (const end of [1, 2]) {
    done(world, world.command('a', { ...open, secret: `s${end}`, line: 1 + end }))
    done(world, world.register('a', { ...living, id: 'looped', session: `s${end}` } as never))
    const id = world
      .machine('a')
      .live.read.rows(world.moment('a'))
      .find((row) => row.id === 'looped')?.session
    done(world, world.command('a', { type: 'end-session', id: id as string, secret: `s${end}` }))
  }
  agree(world)
  const entries = world.machine('a').disk.entriesOf('a')
  const written = entries.map(({ map, key, value }) => ({ map, key, fields: JSON.parse(value) as Fields }))
  for (const { map, key, fields } of written) expect([map, key, refusedFor(map, fields)]).toEqual([map, key, []])
  expect(written.find(({ map }) => map === 'node')?.fields['floor']).toBeGreaterThan(0)
  const drained = written.find(({ key }) => key === 'new-session')
  expect(drained?.fields).toMatchObject({ session, maintenance: 'draining', holds: { program: true, node: true } })
  expect(written.find(({ map }) => map === 'node')?.fields['draining']).toBe(true)
  // Whoever adds a field to a registration adds it to what real daemons of two versions are given.
  const said = new Set([...earlierSaid, ...laterSaid, living].flatMap((one) => Object.keys(one)))
  const { ip: _, lifetime: __, ...fields } = Object.fromEntries(registrationFields.map((name) => [name, true]))
  expect(Object.keys(fields).filter((name) => !said.has(name))).toEqual([])
})

const folder = new URL('../../records/', import.meta.url)

test('a record of each shape is kept, and an earlier version reads it', () => {
  for (const name of readdirSync(folder)) {
    const { map, value } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { map: string; value: Fields }
    const isOdd = value['url'] === undefined && map === 'instances' // whose url was made of its parts
    expect([name, refusedFor(map, value)]).toEqual([name, isOdd ? ['url'] : []])
  }
})
