/**
 * The network interfaces of this machine, as the operating system last told them. Everybody who wants to know asks here: the system
 * may refuse to answer (a process that has all of its file descriptors in use is told `EMFILE`), mostly in a timer, where a throw
 * would end a program that has done nothing wrong.
 */
import os from 'node:os'
import { getSystemErrorName } from 'node:util'
import { messageOf } from '../core/model/errors.js'

/** As Node lists them: by name, each with its addresses. */
export type Interfaces = ReturnType<typeof os.networkInterfaces>

/** Told once when the system stops to answer, with the reason, and once, without one, when it answers again. */
export type OnTrouble = (reason: string | undefined) => void

let lastAnswer: Interfaces = {}
let trouble: string | undefined
const listeners = new Set<OnTrouble>()

/** Asked each time: addresses come and go with cables and leases. Where the system refuses: its last answer. Never throws. */
export function interfaces(): Interfaces {
  try {
    lastAnswer = os.networkInterfaces()
    tell(undefined)
  } catch (error) {
    tell(reasonOf(error))
  }
  return lastAnswer
}

/** @returns ends it */
export function onInterfacesTrouble(listener: OnTrouble): () => void {
  listeners.add(listener)
  if (trouble !== undefined) listener(trouble)
  return () => void listeners.delete(listener)
}

/** Node takes the number for one of libuv's, which are negative, and calls `EMFILE` an "unknown system error 24". */
function reasonOf(error: unknown): string {
  const { errno } = error as NodeJS.ErrnoException
  return errno === undefined || errno === 0 ? messageOf(error) : getSystemErrorName(-Math.abs(errno))
}

function tell(reason: string | undefined): void {
  const isNews = (reason === undefined) !== (trouble === undefined)
  trouble = reason
  if (isNews) for (const listener of listeners) listener(reason)
}
