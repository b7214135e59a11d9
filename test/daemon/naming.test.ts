// Whose node record a caller means that names a url: of one node, of several that share it, or of none.
import { expect, test } from 'vitest'
import type { NodeRecord } from '../../src/core/model/model.js'
import { ownerNamed } from '../../src/daemon/service.js'

const record = (id: string, url: string): NodeRecord => ({ id, url, addresses: [] })
const nodes = new Map([
  ['peer-1', record('abc', 'http://shared:58231')],
  ['peer-2', record('def', 'http://shared:58231')],
  ['peer-3', record('ghi', 'http://own:58231')],
])

test('a url of one node names its owner', () => {
  expect(ownerNamed('http://own:58231', nodes)).toBe('peer-3')
})

test('a url that several nodes share is a conflict that lists their ids and peers, and says the way out', () => {
  expect(() => ownerNamed('http://shared:58231', nodes)).toThrow(
    expect.objectContaining({
      code: 'conflict',
      message:
        'url: 2 nodes have "http://shared:58231": abc (peer peer-1), def (peer peer-2); delete one by its peer id ' +
        '(DELETE /registry-svc/node/PEER), and start each living one with a --url of its own',
    }),
  )
})

test('the way out works: a peer id names the node too', () => {
  expect(ownerNamed('peer-2', nodes)).toBe('peer-2')
})

test('what no node has is not found', () => {
  for (const name of ['http://own:58231/', 'peer-4', '', 'abc']) {
    expect(() => ownerNamed(name, nodes)).toThrow(expect.objectContaining({ code: 'not-found' }))
  }
})
