// A service in a process of its own that can be killed: a bare listener, which registers itself by a session where it is told to.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** No library and no compiler: many of them start in a second. Says its port, and its session, once it is registered, or listens. */
const program = `
const http = require('node:http')
const [daemon, body] = process.argv.slice(1)
const server = require('node:net').createServer((socket) => socket.on('error', () => {}).resume())
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address()
  if (daemon === undefined) return console.log(port)
  const call = (method, path, said, heard) => {
    const headers = { 'content-type': 'application/json' }
    http.request(daemon + path, { method, headers }, heard).on('error', () => {}).end(JSON.stringify(said))
  }
  let text = ''
  call('POST', '/v1/sessions', {}, (line) => line.setEncoding('utf8').on('data', (part) => {
    if (text === undefined) return
    text += part
    const told = /data: (.*)\\n/.exec(text)
    if (told === null) return
    text = undefined
    const { id, secret } = JSON.parse(told[1])
    setInterval(() => call('PUT', '/v1/sessions/' + id, { secret }, (answer) => answer.resume()), 3000)
    const url = 'http://127.0.0.1:' + port
    call('PUT', '/v1/instances', { ...JSON.parse(body), url, session: secret }, (answer) => {
      let said = ''
      answer.setEncoding('utf8').on('data', (part) => (said += part)).on('end', () => {
        if (answer.statusCode >= 300) throw new Error(answer.statusCode + ' ' + said)
        console.log(port, id)
      })
    })
  }))
})`

const running = new Set<ChildProcess>()
process.once('exit', endServices)

/** Ends all that are left. */
export function endServices(): void {
  for (const child of running) child.kill('SIGKILL')
}

export interface ServiceProcess {
  readonly url: string
  readonly port: number
  /** The public id of the session that it registered with, if it did. */
  readonly session: string | undefined
  /** Kills it with -9. @returns when, just before */
  readonly kill: () => number
  readonly isOver: () => boolean
}

/** @param own where it registers itself, and as what; it only listens where nothing is said */
export async function startService(own?: { readonly daemon: string; readonly as: object }): Promise<ServiceProcess> {
  return startProgram(program, own === undefined ? [] : [own.daemon, JSON.stringify(own.as)])
}

/** @param code whose first line of output is a port, then, if any, a session */
export async function startProgram(code: string, args: readonly string[]): Promise<ServiceProcess> {
  const child = spawn(process.execPath, ['-e', code, '--', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const ended = once(child, 'exit').then(() => {
    throw new Error('a service ended before it was registered')
  })
  const [bytes] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer]
  ended.catch(() => undefined)
  const [port, session] = bytes.toString().trim().split(' ')
  return {
    url: `http://127.0.0.1:${port}`,
    port: Number(port),
    session,
    kill() {
      const at = performance.now()
      child.kill('SIGKILL')
      return at
    },
    isOver: () => child.exitCode !== null || child.signalCode !== null,
  }
}
