// Nodes in this very process that meet nobody else, and that are gone after the test.
import { afterEach } from 'vitest'
import { createNode, type NodeSettings, type RollcallNode } from '../../src/index.js'

/** Options with which a node stays within this machine. */
export const local = { mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'] } as const satisfies NodeSettings

const running: RollcallNode[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()))
})

/** A node in memory. */
export async function start(settings: NodeSettings = {}): Promise<RollcallNode> {
  return keep(await createNode({ memory: true, ...local, ...settings }))
}

export function keep(node: RollcallNode): RollcallNode {
  running.push(node)
  return node
}
