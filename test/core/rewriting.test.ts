// What writing an instance again comes to, over what another document of its owner holds of it.
import { expect, test } from 'vitest'
import type { InstanceRecord } from '../../src/core/model/model.js'
import { instances } from '../../src/core/records/instances.js'

function numbered(n: number | undefined): InstanceRecord | undefined {
  return n === undefined ? undefined : { id: 'x', url: 'http://x.test:80', status: 'Healthy', n }
}

test.each([
  ['it was registered where there was none', [undefined, 1, undefined], {}, 'write 1'],
  ['both have registered it', [undefined, 1, 1], {}, 'write 4'],
  ['its number is used up', [undefined, 2, undefined], { usedUpTo: 2 }, 'write 4'],
  ['it was registered anew', [1, 2, 1], {}, 'write 2'],
  ['it went, and is there still', [1, undefined, 1], {}, 'deregister 1'],
  ['it went, and is not there either', [1, undefined, undefined], {}, 'leave'],
  ['it went, and was registered there since', [1, undefined, 2], {}, 'leave'],
  ['it went since another node has it', [1, undefined, 1], { hasOthers: true }, 'write nothing'],
  ['it went since it was removed', [1, undefined, 1], { removedUpTo: 1 }, 'write nothing'],
] as const)('%s: %s → %s', (_, [before, after, adopted], more, expected) => {
  const written = { key: 'x', before: numbered(before), after: numbered(after), adopted: numbered(adopted) }
  const known = { self: 'me', highestNumber: 3, usedUpTo: 0, removedUpTo: 0, hasOthers: false, highestStamp: 0 }
  const outcome = instances.rewrite(written, { ...known, ...more })
  const what = {
    write: 'value' in outcome ? (outcome.value?.n ?? 'nothing') : '',
    deregister: 'n' in outcome ? outcome.n : '',
    leave: '',
  }
  expect(`${outcome.type} ${what[outcome.type]}`.trim()).toBe(expected)
})
