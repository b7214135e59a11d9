// The command that says who did what: as a table that ends with what is known since when, as JSON, with what was asked for.
import { createHash } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { otherPeer, ownPeer } from '../http/service.js'
import { serveMemory } from '../http/serve.js'
import { runHere } from './run.js'
import { cli, fine, served } from './served.js'

test('of one id: what, by whom, from where, at which node; who could not be asked', async () => {
  const lines = (await fine('history', 'web-1')).split('\n')
  expect(lines[0]?.split(/ {2,}/)).toEqual(['WHEN', 'ACT', 'BY', 'FROM', 'AT', 'OUTCOME', 'DETAILS'])
  expect(lines[1]).toMatch(/ago {2,}maintenance {2,}ci {2,}10\.0\.0\.7 {2,}abc {2,}done {2,}new disk$/)
  expect(lines.at(-2)).toMatch(/^Known since [\d:]+ \(.* ago\) at abc; not asked: def \(cannot be reached\)\.$/)
})

test('of a node: what several have seen of it is told apart by who has', async () => {
  const { entries, ...known } = await served.service.history({ id: 'web-1', limit: 20 })
  const of = (peer: string) => ({
    ...({ seq: 1, at: entries[0]!.at, act: 'member dead', node: 'xyz', peer, via: 'daemon', outcome: 'done' } as const),
  })
  const asked = vi.spyOn(served.service, 'history')
  asked.mockResolvedValue({ ...known, entries: [of(ownPeer), of(otherPeer)] })
  const lines = (await fine('history', 'xyz')).split('\n')
  expect(lines[0]).toMatch(/ AT +OUTCOME +SEEN BY +DETAILS$/)
  expect(lines.slice(1, 3).map((line) => line.split(/ {2,}/).at(-2))).toEqual(['abc', 'def'])
  asked.mockRestore()
})

test('of this daemon: with names; as JSON what the daemon says; a wrong number is no question', async () => {
  const table = await fine('history')
  expect(table).toMatch(/WHAT .*\n.* web web-1 /)
  expect(table).not.toContain('not asked')
  const asked = await served.service.history({ id: 'web-1', limit: 20 })
  expect(JSON.parse(await fine('history', 'web-1', '--json'))).toEqual(asked)
  expect(await cli('history', '--limit', '0')).toMatchObject({ code: 2 })
  expect(await cli('history', '--act', 'explode')).toMatchObject({ code: 2 })
})

test('whoever is not let in is told by which daemon, which is not the node that was asked about', async () => {
  const sha256 = createHash('sha256').update('t').digest()
  const closed = await serveMemory({ credentials: { tokens: [{ name: 'ci', may: 'read', sha256 }] } })
  const { host } = new URL(closed.url)
  try {
    for (const args of [['history', 'def'], ['members'], ['doctor'], ['why', 'web'], ['deregister', 'web-1']]) {
      const { code, stderr } = await runHere(args, { ROLLCALL_SERVER: closed.url })
      expect([args, code, stderr]).toEqual([
        args,
        1,
        expect.stringMatching(`^rollcall: the daemon at ${host} refuses: `),
      ])
    }
    const { stderr } = await runHere(['drain'], { ROLLCALL_SERVER: closed.url, ROLLCALL_TOKEN: 't' })
    expect(stderr).toMatch(`the daemon at ${host} refuses: `)
  } finally {
    await closed.stop()
  }
})
