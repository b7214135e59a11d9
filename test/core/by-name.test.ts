// Nodes by their names in the DNS: whatever they come to be called.
import { expect, test } from 'vitest'
import { ByName } from '../../src/core/by-name.js'
import { nodeKey, writeEntry } from '../../src/core/records/kinds.js'
import { Union } from '../../src/core/records/union.js'
import type { RegistryState } from '../../src/core/state.js'
import { Signatures } from '../../src/core/wire/head.js'
import { cheapCrypto } from '../sim/crypto.js'

function nodes() {
  const union = new Union(new Signatures(cheapCrypto('me')))
  const dead = new Set<string>()
  const membership = { member: (owner: string) => ({ state: dead.has(owner) ? 'dead' : 'alive' }) }
  const byName = new ByName({ self: 'me', liveness: { membership }, records: { union } } as unknown as RegistryState)
  const call = (owner: string, id: string | undefined): void => {
    const after = writeEntry('node', id === undefined ? undefined : { id, url: `http://${owner}.test`, addresses: [] })
    union.apply(owner, [{ map: 'node', key: nodeKey, ...(after !== undefined && { after }) }])
  }
  const named = (name: string): string[] =>
    byName.nodes(name).map(({ record, isHere }) => `${record.url.slice(7, -5)}${isHere ? ' here' : ''}`)
  return { call, named, dead }
}

test('a node is found by its id in small letters, by the one that it has now, while it lives', () => {
  const { call, named, dead } = nodes()
  call('me', 'Node-A')
  call('b', 'node-a')
  call('c', 'other')
  expect([named('node-a'), named('other'), named('Node-A')]).toEqual([['me here', 'b'], ['c'], []])
  call('b', 'Other')
  expect([named('node-a'), named('other')]).toEqual([['me here'], ['c', 'b']])
  dead.add('c').add('me')
  expect([named('node-a'), named('other')]).toEqual([['me here'], ['b']])
  call('b', undefined)
  expect(named('other')).toEqual([])
})

test('of one id sixteen are told, the dead ones not among them', () => {
  const { call, named, dead } = nodes()
  for (let i = 0; i < 40; i += 1) call(`n${i}`, 'same')
  dead.add('n0')
  expect(named('same')).toEqual(Array.from({ length: 16 }, (_, i) => `n${i + 1}`))
})
