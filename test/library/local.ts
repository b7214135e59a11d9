// Nodes in this very process that meet nobody else, and that are gone after the test, with their directories.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { createNode, type NodeSettings, type RollcallNode } from '../../src/index.js'

/** Options with which a node stays within this machine. */
export const local = { mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'] } as const satisfies NodeSettings

const running: RollcallNode[] = []
const dirs: string[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()))
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true })
})

/** A node in memory. */
export async function start(settings: NodeSettings = {}): Promise<RollcallNode> {
  return keep(await createNode({ memory: true, ...local, ...settings }))
}

export async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-library-'))
  dirs.push(dir)
  return dir
}

export function keep(node: RollcallNode): RollcallNode {
  running.push(node)
  return node
}
