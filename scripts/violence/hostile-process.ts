// A hostile member in a process of its own, so that what it costs is not counted as what it does: `hostile-process.ts ADDRESS FLOOD`.
import '../../src/polyfill.js'
import { type Flood, HostileMember } from './hostile-member.js'

const [target = '', kind = 'asks'] = process.argv.slice(2)
const member = new HostileMember(target)
await member.start()
/** Something to ask for. */
if (kind === 'unread') await member.publish(12, 1_000_000)
process.stdout.write('begun\n')
process.on('disconnect', () => process.exit())
await member.flood(kind as Flood)
