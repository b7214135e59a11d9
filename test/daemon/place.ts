// Where real daemons run: on this machine's loopback, or in a network namespace of their own, where multicast goes nowhere else.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** A place in which processes are started and asked over HTTP. */
export interface Place {
  spawn(command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess
  fetch(url: string, init?: RequestInit & { readonly body?: string }): Promise<Answer>
  close(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly body: string
}

export function loopback(): Place {
  return {
    spawn: (command, args, env) => spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    fetch: async (url, init) => {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(20_000) })
      return { status: response.status, body: await response.text() }
    },
    close: async () => undefined,
  }
}

/** Whether this user may make network namespaces; tests that need one say so and skip. */
export function canMakeNamespaces(): boolean {
  const probe = 'ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo'
  return spawnSync('unshare', ['-n', 'sh', '-c', probe], { stdio: 'ignore' }).status === 0
}

/** Lives in the namespace and asks there on behalf of the test. */
const agent = `
import { execFileSync } from 'node:child_process'
import { request } from 'node:http' // \`fetch\` would take as long to load as all the rest
const ip = (...args) => execFileSync('ip', args)
ip('link', 'set', 'lo', 'up')
ip('link', 'set', 'lo', 'multicast', 'on')
ip('route', 'add', '224.0.0.0/4', 'dev', 'lo')
const ask = (url, { body, ...init } = {}) => new Promise((resolve, reject) => {
  const asking = request(url, { ...init, signal: AbortSignal.timeout(20_000) }, (response) => {
    const said = []
    response.on('data', (bytes) => said.push(bytes)).on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(said).toString() }))
  })
  asking.on('error', reject).end(body)
})
process.on('message', async ({ id, url, init }) => {
  try {
    process.send({ id, ...(await ask(url, init)) })
  } catch (error) {
    process.send({ id, error: String(error) })
  }
})
process.on('disconnect', () => process.exit())
process.send('up')
`

interface Reply {
  readonly id: number
  readonly status?: number
  readonly body?: string
  readonly error?: string
}

/** A network namespace with nothing in it but loopback. */
export async function namespace(): Promise<Place> {
  return (await agentIn()).place
}

/** @returns also the process that holds the namespace */
export async function agentIn(): Promise<{ readonly place: Place; readonly pid: number }> {
  const child = spawn('unshare', ['-n', process.execPath, '--input-type=module', '--eval', agent], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  let lastId = 0
  const waiting = new Map<number, (reply: Reply) => void>()
  child.on('message', (reply: Reply) => {
    waiting.get(reply.id)?.(reply)
    waiting.delete(reply.id)
  })
  const place: Place = {
    spawn: (command, args, env) =>
      spawn('nsenter', [`--net=/proc/${child.pid}/ns/net`, command, ...args], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    fetch: async (url, init) => {
      const id = (lastId += 1)
      const reply = await new Promise<Reply>((resolve) => {
        waiting.set(id, resolve)
        child.send({ id, url, init })
      })
      if (reply.error !== undefined) throw new Error(reply.error)
      return { status: reply.status as number, body: reply.body as string }
    },
    close: async () => {
      const exit = once(child, 'exit')
      child.disconnect()
      await exit
    },
  }
  return { place, pid: child.pid as number }
}
