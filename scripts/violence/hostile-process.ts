// A hostile member in a process of its own, so that what it costs is not counted as what it does: `hostile-process.ts ADDRESS FLOOD [KEYFILE]`.
import '../../src/polyfill.js'
import { readFileSync } from 'node:fs'
import { type Flood, HostileMember } from './hostile-member.js'

const [target = '', kind = 'asks', keyFile] = process.argv.slice(2)
const member = new HostileMember(target, 'default', keyFile === undefined ? undefined : readFileSync(keyFile))
await member.start()
/** Something to ask for. */
if (kind === 'unread') await member.publish(12, 1_000_000)
process.stdout.write('begun\n')
process.on('disconnect', () => process.exit())
await member.flood(kind as Flood)
