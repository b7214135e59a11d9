// The interfaces of this machine, where the operating system refuses to name them: the last answer stands, and it is said once.
import os from 'node:os'
import { afterEach, expect, test, vi } from 'vitest'
import { interfaces, onInterfacesTrouble } from '../src/config/interfaces.js'
import { NodeUrl } from '../src/config/node-url.js'
import { bestFirst, ownAddresses } from '../src/config/reach.js'

afterEach(() => {
  vi.restoreAllMocks()
  interfaces()
})

const eth0 = { eth0: [{ address: '10.0.0.5', internal: false, family: 'IPv4' } as os.NetworkInterfaceInfo] }

function refuse(): never {
  throw new Error('uv_interface_addresses returned EMFILE')
}

test('where the system refuses, its last answer stands for all who ask', () => {
  const ask = vi.spyOn(os, 'networkInterfaces').mockReturnValue(eth0)
  expect(interfaces()).toEqual(eth0)
  ask.mockImplementation(refuse)
  expect(interfaces()).toEqual(eth0)
  expect(ownAddresses()).toEqual(['10.0.0.5'])
  expect(bestFirst(['127.0.0.1', '10.0.0.5'], (one) => one)).toEqual(['10.0.0.5'])
  expect(new NodeUrl(1).current).toBe('http://10.0.0.5:1')
})

test('a refusal is told once, with its reason, and so is its end; who comes later is told of one that lasts', () => {
  const told: (string | undefined)[] = []
  const end = onInterfacesTrouble((reason) => told.push(reason))
  const ask = vi.spyOn(os, 'networkInterfaces').mockImplementation(refuse)
  for (let i = 0; i < 3; i++) interfaces()
  expect(told).toEqual(['uv_interface_addresses returned EMFILE'])
  const later: (string | undefined)[] = []
  const endLater = onInterfacesTrouble((reason) => later.push(reason))
  expect(later).toEqual(told)
  ask.mockReturnValue(eth0)
  for (let i = 0; i < 3; i++) interfaces()
  expect(told).toEqual(['uv_interface_addresses returned EMFILE', undefined])
  end()
  endLater()
  ask.mockImplementation(refuse)
  interfaces()
  expect([told, later].map(({ length }) => length)).toEqual([2, 2])
})
