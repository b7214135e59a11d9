// A process to be killed: writes updates numbered from argv[3] on into the data directory argv[2], and prints each number that
// was acknowledged. Every fourth is synced.
import '../../src/polyfill.js'
import { writeSync } from 'node:fs'
import { openDataDir } from '../../src/io/storage/data-dir.js'
import { update } from './stored.js'

const [path = '', from = '0'] = process.argv.slice(2)
const { storage } = await openDataDir(path)
for (let version = Number(from); ; version++) {
  await storage.write([update('A', version, String(version), 'x'.repeat(3000))], version % 4 === 0)
  writeSync(1, `${version}\n`)
}
