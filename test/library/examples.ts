// Every example in the docstrings of the public doors, and every runnable block of the README.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const doors = ['src/index.ts', 'src/node.ts', 'src/node/interface.ts', 'src/client.ts', 'src/testing.ts']

export interface Example {
  readonly name: string
  readonly code: string
}

/** What follows `@example` in a docstring, up to its next tag. */
function examplesIn(file: string, text: string): Example[] {
  const docstrings = [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].map(([docstring]) => docstring)
  const bodies = docstrings.map((docstring) => docstring.replace(/^\s*\/?\*+ ?/gm, '').replace(/\s*\/$/, ''))
  const examples = bodies.flatMap((body) => [...body.matchAll(/^@example\n([\s\S]*?)(?=^@\w|$(?![\s\S]))/gm)])
  return examples.map(([, code = ''], i) => ({ name: `${file} ${i + 1}`, code: code.trim() }))
}

/** Blocks that open with "```ts run". */
function blocksIn(file: string, text: string): Example[] {
  const blocks = [...text.matchAll(/^```ts run\n([\s\S]*?)^```$/gm)]
  return blocks.map(([, code = ''], i) => ({ name: `${file} ${i + 1}`, code: code.trim() }))
}

/** The only changes: nodes stay within this machine, the daemon is the one that this test has started, and services have a port that is free. */
export function confined(code: string, server: string, port: number): string {
  return code
    .replaceAll('createNode({ ', "createNode({ mdns: false, listen: ['/ip4/127.0.0.1/tcp/0'], ")
    .replaceAll('http://127.0.0.1:58231', server)
    .replaceAll('8080', String(port))
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export const examples = [
  ...(await Promise.all(doors.map(async (file) => examplesIn(file, await readFile(join(root, file), 'utf8'))))).flat(),
  ...blocksIn('README.md', await readFile(join(root, 'README.md'), 'utf8')),
]
