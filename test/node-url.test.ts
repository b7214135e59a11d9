// By which url callers know a node that was given none: the best address of its machine, followed as addresses come and go.
import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { Interfaces } from '../src/config/interfaces.js'
import { NodeUrl } from '../src/config/node-url.js'

function urlAmong(known: Interfaces): string {
  return new NodeUrl(1, known).current
}

describe('the url of a node without one', () => {
  const address = (text: string, internal = false): NetworkInterfaceInfo =>
    ({ address: text, internal, family: text.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo

  test('names the first LAN address, IPv4 before IPv6, loopback where there is none', () => {
    const lo = [address('127.0.0.1', true), address('::1', true)]
    expect(urlAmong({ lo, eth0: [address('fd00::5'), address('10.0.0.5')] })).toBe('http://10.0.0.5:1')
    expect(urlAmong({ lo, eth0: [address('fe80::1'), address('fd00::5')] })).toBe('http://[fd00::5]:1')
    expect(urlAmong({ lo })).toBe('http://127.0.0.1:1')
  })

  test.each(['docker0', 'br-0123456789ab', 'virbr0', 'cni0', 'podman1', 'lxcbr0'])(
    'leads to this machine, and not into the guests behind its bridge %s',
    (bridge) => {
      const lo = [address('127.0.0.1', true)]
      const inside = { lo, [bridge]: [address('172.17.0.1')] }
      expect(urlAmong({ ...inside, eth0: [address('10.0.0.5')] })).toBe('http://10.0.0.5:1')
      expect(urlAmong({ ...inside, eth0: [address('fd00::5')] })).toBe('http://[fd00::5]:1')
      expect(urlAmong(inside)).toBe('http://172.17.0.1:1')
    },
  )

  test.each(['br0', 'br-lan', 'br-ex'])('is that of the bridge %s, by which a machine itself is reached', (bridge) => {
    expect(urlAmong({ [bridge]: [address('10.0.0.5')], eth1: [address('192.168.7.1')] })).toBe('http://10.0.0.5:1')
  })

  test('is an address that the machine gave itself only where nobody leased it one', () => {
    const own = { lo: [address('127.0.0.1', true)], eth0: [address('169.254.7.1')], docker0: [address('172.17.0.1')] }
    expect(urlAmong(own)).toBe('http://169.254.7.1:1')
    expect(urlAmong({ ...own, eth1: [address('10.0.0.5')] })).toBe('http://10.0.0.5:1')
    expect(urlAmong({ ...own, eth0: [address('169.254.7.1'), address('fd00::5')] })).toBe('http://[fd00::5]:1')
  })

  test('is no further address of the loopback interface where there is another', () => {
    const lo = [address('127.0.0.1', true), address('10.255.255.254', true)]
    expect(urlAmong({ lo, eth0: [address('172.17.0.5')] })).toBe('http://172.17.0.5:1')
    expect(urlAmong({ lo })).toBe('http://10.255.255.254:1')
  })
})

describe('a url that follows', () => {
  const address = (text: string, internal = false): NetworkInterfaceInfo =>
    ({ address: text, internal, family: text.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo
  const lo = [address('127.0.0.1', true)]
  const lan = { lo, eth0: [address('10.0.0.5')] }

  test('leaves loopback at once when the first lease comes, and the guests of a bridge when the LAN does', () => {
    const own = new NodeUrl(1, { lo, eth0: [address('169.254.7.1')] })
    expect(own.look(0, { lo, eth0: [address('169.254.7.1'), address('10.0.0.5')] })).toBe('http://10.0.0.5:1')
    const url = new NodeUrl(1, { lo })
    expect(url.look(0, { lo, docker0: [address('172.17.0.1')] })).toBe('http://172.17.0.1:1')
    expect(url.look(5000, { ...lan, docker0: [address('172.17.0.1')] })).toBe('http://10.0.0.5:1')
  })

  test('stays while its address is there, whatever comes beside it', () => {
    const url = new NodeUrl(1, lan)
    expect(url.look(0, { tun0: [address('10.0.0.1')], ...lan })).toBe('http://10.0.0.5:1')
    expect(url.look(60_000, { lo, eth0: [address('10.0.0.4'), address('10.0.0.5')] })).toBe('http://10.0.0.5:1')
  })

  test('changes when its address has been gone for ten seconds, not before, and not where it came back meanwhile', () => {
    const url = new NodeUrl(1, lan)
    const next = { lo, eth0: [address('10.0.0.9')] }
    expect(url.look(0, next)).toBe('http://10.0.0.5:1')
    expect(url.look(9999, { lo })).toBe('http://10.0.0.5:1')
    expect(url.look(10_000, lan)).toBe('http://10.0.0.5:1')
    expect(url.look(15_000, next)).toBe('http://10.0.0.5:1')
    expect(url.look(24_999, next)).toBe('http://10.0.0.5:1')
    expect(url.look(25_000, next)).toBe('http://10.0.0.9:1')
  })
})
