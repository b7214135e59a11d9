/** Finding each other by mDNS, in a network namespace of its own: no packet of it leaves this test. */
import { spawn, spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { compiled } from './compiled.js'

const unshare = ['--user', '--map-root-user', '--net']
const permitted = spawnSync('unshare', [...unshare, 'ip', 'link', 'set', 'lo', 'up']).status === 0
if (!permitted) console.warn('network namespaces are not permitted here: mDNS is not tested')

const script = await compiled('networkmdns.ts')

test.skipIf(!permitted)(
  'two find each other and a third of another name finds nobody; one that comes back on another port is found again',
  async () => {
    const setup = 'ip link set lo up; ip link set lo multicast on; ip route add 224.0.0.0/4 dev lo'
    const command = `${setup}; exec "${process.execPath}" "${script}"`
    const child = spawn('unshare', [...unshare, 'sh', '-c', command])
    let output = ''
    child.stdout.on('data', (piece: Buffer) => (output += piece.toString()))
    child.stderr.on('data', (piece: Buffer) => (output += piece.toString()))
    const code = await new Promise<number | null>((resolve) => child.on('exit', resolve))
    expect(output).toContain('told: found, alone, found again')
    expect(code).toBe(0)
  },
)
