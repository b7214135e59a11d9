/**
 * Tells a place where no daemon is from one whose daemon is frozen: whoever starts a second one there makes it worse. It asks the
 * operating system, and the daemon nothing.
 */
import { connect } from 'node:net'
import { defaultDataDir } from '../config.js'
import { readHolder } from '../io/identity.js'

const connect_ms = 1000

/**
 * What to say of a server that let a call wait until its time was over.
 * @returns undefined where nobody takes connections there
 */
export async function frozenAt(server: string, env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  if (!(await takesConnections(new URL(server)))) return undefined
  const pid = await holderOf(server, env)
  const which = pid === undefined ? '' : `, process ${pid}`
  return (
    `a daemon is there${which}, that takes connections and says nothing: it is frozen (suspended, or stuck). ` +
    `Do not start a second one: kill -CONT ${pid ?? 'PID'} wakes one that is suspended (ps shows its state as T), else restart it: systemctl restart rollcall`
  )
}

/** The kernel takes them for a process that does not run. */
function takesConnections({ hostname, port, protocol }: URL): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const socket = connect({ host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) })
  socket.setTimeout(connect_ms, () => resolve(false))
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

/** The process of a daemon of this machine and user, where its data directory is in one of the usual places. */
async function holderOf(server: string, env: NodeJS.ProcessEnv): Promise<number | undefined> {
  const given = env['ROLLCALL_DATA_DIR']?.trim() ?? ''
  const directory = given === '' ? usualDataDir(env) : given
  const holder = directory === undefined ? undefined : await readHolder(directory)
  const { pid, http } = holder ?? {}
  const isThere = typeof http === 'string' && URL.canParse(http) && new URL(http).origin === new URL(server).origin
  return isThere && typeof pid === 'number' ? pid : undefined
}

function usualDataDir(env: NodeJS.ProcessEnv): string | undefined {
  const cluster = env['ROLLCALL_CLUSTER']?.trim() ?? ''
  try {
    return defaultDataDir(cluster === '' ? 'default' : cluster, env)
  } catch {
    return undefined // there is no home
  }
}
