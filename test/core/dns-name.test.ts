// What can be found in the DNS, and what is said of the others.
import { describe, expect, test } from 'vitest'
import { dnsNameOf, warningOfDnsName } from '../../src/core/model/dns-name.js'

describe('a slug has a name in the DNS', () => {
  test.each([
    ['web', 'web'],
    ['Web', 'web'],
    ['7', '7'],
    ['a-b--c', 'a-b--c'],
    ['x'.repeat(63), 'x'.repeat(63)],
  ])('%s: %s', (slug, name) => {
    expect(dnsNameOf(slug)).toBe(name)
    expect(warningOfDnsName(slug)).toBeUndefined()
  })

  // The last is the sign for Kelvin, whose lower case is a plain k.
  test.each(['', '-', 'a-', '-a', 'a_b', 'a.b', 'a b', 'a/b', 'größe', 'web\n', 'x'.repeat(64), '\u212a'])(
    'not %j',
    (slug) => {
      expect(dnsNameOf(slug)).toBeUndefined()
      expect(warningOfDnsName(slug)).toMatch(/^slug: ".*" has no name in the DNS, .*63 at the most/)
    },
  )
})
