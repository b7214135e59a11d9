// The lines of a daemon's log: whom and what they name, how loud they are, what is said once.
import { expect, test } from 'vitest'
import type { RegistryEvent } from '../../src/core/effects.js'
import { lineOf, memberName, type Register } from '../../src/daemon/log-lines.js'

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
  expect(lineOf({ type: 'instance-status', id: 'i', from: 'Healthy', to: 'Unreachable' }, register)).toEqual({
    level: 'info',
    fields: {
      ...{ id: 'i', slug: 'web', url: 'http://10.0.0.7:8080', from: 'Healthy', to: 'Unreachable' },
      details: 'connection refused by 10.0.0.7:8080',
    },
    message: 'instance web (i) at http://10.0.0.7:8080 is Unreachable: connection refused by 10.0.0.7:8080',
  })
  expect(lineOf({ type: 'instance', id: 'gone', change: 'hidden' }, register).message).toBe('instance gone: hidden')
})
