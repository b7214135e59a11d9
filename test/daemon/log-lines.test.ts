// The lines of a daemon's log: whom and what they name, how loud they are, what is said once.
import { describe, expect, test, vi } from 'vitest'
import type { DialOutcome } from '../../src/core/words/dial-words.js'
import type { Diagnosis, Finding, FindingId } from '../../src/core/doctor/findings.js'
import type { RegistryEvent } from '../../src/core/effects.js'
import type { Registry } from '../../src/core/registry.js'
import type { Survey } from '../../src/core/survey/views.js'
import type { SelfView } from '../../src/core/views.js'
import { Churning } from '../../src/daemon/churning.js'
import { inTurns } from '../../src/daemon/in-turns.js'
import { diagnosing, type DiagnosingParts } from '../../src/daemon/diagnosing.js'
import { lineOf, linesOfDisk, memberName, type Register } from '../../src/daemon/log-lines.js'
import { OwnFindings, tellOwnFindings } from '../../src/daemon/own-findings.js'
import { Silences } from '../../src/daemon/silences.js'
import { openMemoryDir } from '../../src/io/storage/memory.js'
import { harmlessJson } from '../../src/core/words/harmless.js'
import { saidIn } from '../../src/log/line.js'

const peer = '12D3KooWD1nSVtBVBjFr3JwSZ8MPGHYQCyX4Xs9AqUU9yBVaBr5A'
const register: Register = {
  nodeRecord: (id) => (id === peer ? { id: 'node-b', url: 'http://10.0.0.6:58231' } : undefined),
  record: (id) =>
    id === 'i'
      ? { slug: 'web', url: 'http://10.0.0.7:8080', details: 'connection refused by 10.0.0.7:8080' }
      : undefined,
}
const member = (from: 'alive' | 'hidden' | 'dead', to: 'alive' | 'hidden' | 'dead' | 'left'): RegistryEvent => ({
  ...{ type: 'member', peer, from, to, why: 'reported silent by 2' },
})

test('a member is named by label, url and short peer id, and is called by its peer id where no more is known', () => {
  expect(lineOf(member('alive', 'hidden'), register)).toEqual({
    level: 'info',
    fields: {
      peer,
      nodeId: 'node-b',
      url: 'http://10.0.0.6:58231',
      from: 'alive',
      to: 'hidden',
      why: 'reported silent by 2',
    },
    message: 'member node-b (http://10.0.0.6:58231, peer 12D3KooWD1nSVtBV…) is hidden: reported silent by 2',
  })
  expect(memberName('12D3KooWAnother1234567890', register)).toBe('peer 12D3KooWAnother1…')
})

test.each([
  ['alive', 'hidden', 'info'],
  ['hidden', 'alive', 'info'],
  ['alive', 'left', 'info'],
  ['hidden', 'dead', 'warn'],
  ['dead', 'alive', 'warn'],
  ['dead', 'left', 'warn'],
] as const)('from %s to %s is told at %s', (from, to, level) => {
  expect(lineOf(member(from, to), register).level).toBe(level)
})

test('an instance is named by slug, id and url, with the cause of its status', () => {
  expect(
    lineOf(
      { type: 'instance-status', id: 'i', owner: peer, slug: 'web', from: 'Healthy', to: 'Unreachable' },
      register,
    ),
  ).toEqual({
    level: 'info',
    fields: {
      ...{ id: 'i', slug: 'web', url: 'http://10.0.0.7:8080', from: 'Healthy', to: 'Unreachable' },
      details: 'connection refused by 10.0.0.7:8080',
    },
    message: 'instance web (i) at http://10.0.0.7:8080 is Unreachable: connection refused by 10.0.0.7:8080',
  })
  const gone = { type: 'instance', id: 'gone', owner: peer, slug: 'web', change: 'hidden' } as const
  expect(lineOf(gone, register).message).toBe('instance web (gone): hidden')
})

test('a service that does not come to rest is told once, with its node, its pace, and what to think of', () => {
  const said: string[] = []
  const clock = { now: 0, wall: 0 }
  const read = { homeOf: (id: string) => (id === 'i' ? peer : undefined) } as unknown as Registry['read']
  const churning = new Churning({ registry: { read }, register, now: () => clock, warn: (line) => said.push(line) })
  for (; clock.now < 30_000; clock.now += 10)
    for (const id of ['i', 'removed'])
      churning.heard({ type: 'instance', id, owner: peer, slug: 'web', change: 'changed' })
  expect(said).toEqual([
    'instances of web at node-b (http://10.0.0.6:58231, peer 12D3KooWD1nSVtBV…) are registered, changed or removed without end, 100 times a second for 15 s now: is a program there in a loop?',
  ])
  expect(churning.lasting()).toEqual([{ home: peer, slug: 'web', perSecond: 100, lasts_ms: 30_000 }])
})

test('what a disk has lost is said loudly, with what comes back of itself', async () => {
  const dir = {
    ...(await openMemoryDir()),
    warnings: ['mended.'],
    lostWrites: 'the database /d/db has lost something.',
  }
  expect(linesOfDisk(dir, { documents: [], notes: new Map(), damaged: [] })).toEqual([
    { level: 'warn', message: 'mended.' },
    {
      level: 'error',
      message:
        'the database /d/db has lost something. What other nodes hold of it comes back; what was written here alone has to be registered again. Look after this disk.',
    },
  ])
})

test('who is hidden or dead is told with what its machine says, as the status tells it', () => {
  const saying = (dial: DialOutcome): Register => ({ ...register, dial: () => dial })
  const told = (dial: DialOutcome): string => lineOf(member('alive', 'hidden'), saying(dial)).message
  expect(told('refused')).toMatch(/is hidden: reported silent by 2; dials are refused: its process is gone$/)
  expect(told('no-answer')).toMatch(/; no answer to dials: its machine or the line to it is down$/)
  expect(told('silent')).toMatch(/; its machine takes dials, .*: its process is frozen/)
  expect(lineOf(member('dead', 'alive'), saying('refused')).message).toMatch(/is alive: reported silent by 2$/)
})

describe('silence', () => {
  const of = (peer: string, to: 'hidden' | 'dead' | 'alive'): RegistryEvent => ({
    ...{ type: 'member', peer, from: 'alive', to, why: 'silent' },
  })
  function hearing(dial?: DialOutcome): { tell(event: RegistryEvent, alive: number, now?: number): string[] } {
    const at = { alive: 0, now: 0 }
    const silences = new Silences({ alive: () => at.alive, now: () => at.now, dial: () => dial })
    return {
      tell(event, alive, now = 0) {
        Object.assign(at, { alive, now })
        const { line, before } = silences.weigh(event, lineOf(event, register))
        return [...(before === undefined ? [] : ['all at once']), line.level]
      },
    }
  }

  test('of all others at once is one line, and none of them is dead at warn, nor back', () => {
    const { tell } = hearing('no-answer')
    expect(tell(of('b', 'hidden'), 2)).toEqual(['info'])
    expect(tell(of('c', 'hidden'), 1)).toEqual(['all at once', 'info'])
    expect(tell(of('b', 'dead'), 1)).toEqual(['info'])
    expect(tell(of('c', 'dead'), 1)).toEqual(['info'])
    expect(tell({ ...of('b', 'alive'), from: 'dead' } as RegistryEvent, 2)).toEqual(['info'])
  })

  test.each([
    ['whose machines say that their processes are gone', 'refused', 0],
    ['one after the other', undefined, 60_000],
  ] as const)('of all others %s is told of each', (_, dial, pause_ms) => {
    const { tell } = hearing(dial)
    expect(tell(of('b', 'hidden'), 2)).toEqual(['info'])
    expect(tell(of('b', 'dead'), 2)).toEqual(['warn'])
    expect(tell(of('c', 'hidden'), 1, pause_ms)).toEqual(['info'])
    expect(tell(of('c', 'dead'), 1, pause_ms)).toEqual(['warn'])
  })

  test('of a single other one is told of that', () => {
    expect(hearing().tell(of('b', 'dead'), 1)).toEqual(['warn'])
  })
})

describe('what a node finds by itself', () => {
  const finding = (id: FindingId, ...about: string[]): Finding => ({
    ...{ id, severity: 'warning', what: `${id} at ${about.join()}.`, meaning: 'So.', remedy: 'Do this.', about },
  })

  test('is told once when it is sure, again where it comes to more, and when it is over', () => {
    const own = new OwnFindings()
    const looks = (...findings: Finding[]): string[] =>
      own.look({ findings }).map(({ level, message }) => `${level} ${message}`)
    expect(looks(finding('link-failing', 'a-b'))).toEqual([])
    expect(looks(finding('link-failing', 'a-b'))).toEqual(['warn link-failing at a-b. Do this.'])
    expect(looks(finding('link-failing', 'a-b'))).toEqual([])
    expect(looks(finding('link-failing', 'a-b', 'a-c'))).toEqual(['warn link-failing at a-b,a-c. Do this.'])
    expect(looks()).toEqual(['info over: link-failing at a-b,a-c.'])
    expect(looks()).toEqual([])
  })

  test('at its disk is told at once; what passes, and what has lines of its own, not at all', () => {
    const own = new OwnFindings()
    const looks = (...findings: Finding[]): number => own.look({ findings }).length
    expect(looks(finding('disk-refuses', 'a'))).toBe(1)
    expect(looks(finding('disk-refuses', 'a'), finding('one-way-link', 'a-b'))).toBe(0)
    expect(looks(finding('disk-refuses', 'a'), finding('node-gone', 'b'))).toBe(0)
    expect(looks(finding('disk-refuses', 'a'), finding('node-gone', 'b'))).toBe(0)
  })

  test('of the clocks of others is told once they are asked for them, which is seldom', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const lines: string[] = []
    let isApart = true
    const survey = vi.fn(async () => surveyed(isApart ? 3_600_000 : 0))
    const overview = async () => ({ self, members: [], peers: { peers: [] }, digest: {} })
    const parts = {
      survey,
      overview,
      work: inTurns,
      read: { nodeRecords: () => new Map() },
    } as unknown as DiagnosingParts
    const end = tellOwnFindings(
      { diagnosis: async () => ({ findings: [] }) as unknown as Diagnosis, clocks: () => diagnosing(parts).clocks() },
      ({ level, message }) => lines.push(`${level} ${message}`),
    )
    try {
      await vi.advanceTimersByTimeAsync(120_000)
      isApart = false
      await vi.advanceTimersByTimeAsync(600_000)
      expect(survey).toHaveBeenCalledTimes(2)
      expect(lines).toEqual([
        'warn Clocks differ: b is 60 min ahead of this node (a). Set the clock of b: timedatectl set-ntp true.',
        'info over: Clocks differ: b is 60 min ahead of this node (a).',
      ])
    } finally {
      await end()
      vi.useRealTimers()
    }
  })
})

const self = {
  ...{ nodeId: 'a', peer: 'p-a', dropped: {}, ready: { ready: true, reasons: [], degraded: false } },
  state: { entries: 1, entryBytes: 1, waitingForDisk: 0 },
} as unknown as SelfView

function surveyed(clockOffset_ms: number): Survey {
  const b = { id: 'b', peer: 'p-b', how: 'answered', took_ms: 1, clockOffset_ms, sees: [] } as const
  return { at: 'now', by: 'a', took_ms: 1, nodes: [{ id: 'a', peer: 'p-a', how: 'self', sees: [] }, b] }
}

describe('what others say of themselves does nothing to the terminal that a line is read on:', () => {
  const said = 'web\u202e\u2066\u009b31m\u2028\u001b[2J\r\nINFO: forged'
  const obeyed = /[\u0000-\u001f\u007f-\u009f\u2028\u202e\u2066]/

  test('as JSON it is the same, by escapes', () => {
    const line = harmlessJson(JSON.stringify({ msg: said }))
    expect(line).not.toMatch(obeyed)
    expect(JSON.parse(line)).toEqual({ msg: said })
  })

  test('for people it is blank, and ends no line, while a trace keeps its lines', () => {
    const shown = saidIn(JSON.stringify({ msg: said, err: { stack: `Error: ${said}\n    at web` } })) as {
      readonly msg: string
      readonly err: { readonly stack: string }
    }
    expect(shown.msg).toBe('web 31m [2J INFO: forged')
    expect(shown.err.stack).toBe('Error: web 31m [2J \nINFO: forged\n    at web')
  })
})
