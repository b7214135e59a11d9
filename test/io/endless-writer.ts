// A process to be killed: writes updates numbered from argv[3] on into the data directory argv[2], and prints each number that
// was acknowledged. Every fortieth is synced. It waits for none before it hands in the next, but has no more than thirty on their
// way: so some of the others go with a synced one, and some without.
import '../../src/polyfill.js'
import { writeSync } from 'node:fs'
import { openDataDir } from '../../src/io/storage/data-dir.js'
import { update } from './stored.js'

const [path = '', from = '0'] = process.argv.slice(2)
const { storage } = await openDataDir(path)
const onTheirWay: Promise<void>[] = []
for (let version = Number(from); ; version++) {
  const write = storage.write([update('A', version, String(version), 'x'.repeat(3000))], version % 40 === 0)
  onTheirWay.push(write.then(() => void writeSync(1, `${version}\n`)))
  if (onTheirWay.length > 30) await onTheirWay.shift()
}
