/**
 * The id of a program under `rollcall run`: the same at each of its starts, another one for each that runs beside it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { hostname } from 'node:os'

/** Of one command, started in one place, so many are told apart. */
const beside = 256
const digits = 8

/**
 * @param said what makes it this program and no other: its slug, its command line, where callers reach it
 * @returns hexadecimal digits
 */
export async function sameAtEachStart(said: readonly string[]): Promise<string> {
  for (let place = 0; place < beside; place += 1) {
    const id = createHash('sha256')
      .update(JSON.stringify([hostname(), process.cwd(), place, ...said]))
      .digest('hex')
      .slice(0, digits)
    if (await isOurs(id)) return id
  }
  return randomBytes(digits / 2).toString('hex')
}

/**
 * A name that the kernel gives to one process, for as long as that lives, however it ends (abstract sockets of Linux). Where there are
 * none each start is another one.
 */
async function isOurs(id: string): Promise<boolean> {
  if (process.platform !== 'linux') return false
  const holder = createServer((socket) => socket.destroy())
  holder.listen(`\0rollcall-run-${id}`)
  holder.unref()
  try {
    await once(holder, 'listening')
    return true
  } catch {
    return false
  }
}
