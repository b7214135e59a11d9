/**
 * What a program that has nothing else to do need not wait for: a timer, or the connection of one request.
 */

/** Where the platform can. */
export function letGo(timer: unknown): void {
  ;(timer as { unref?: () => void }).unref?.()
}

/** This platform does not say which connection a request has, so the program would not end while it is open. */
export class CannotLetGo extends Error {
  override readonly name = 'CannotLetGo'
}

interface Sent {
  readonly headers?: unknown
  readonly socket?: { unref?: () => void }
}

interface Diagnostics {
  subscribe(name: string, listener: (message: unknown) => void): void
  unsubscribe(name: string, listener: (message: unknown) => void): void
}

/** On which Node's own `fetch` says what it sends, and where: https://undici.nodejs.org/#/docs/api/DiagnosticsChannel */
const channel = 'undici:client:sendHeaders'
const header = 'x-rollcall-stream'

const diagnostics = openDiagnostics()

/** Whether there is any hope. */
export const canStandAside = diagnostics !== undefined

/**
 * A request whose connection the program need not wait for, from the moment at which it is sent.
 * @param send is given what has to go into its headers
 * @throws CannotLetGo where it was answered, and nobody said by which connection
 */
export async function sentAside(send: (headers: Record<string, string>) => Promise<Response>): Promise<Response> {
  if (diagnostics === undefined) throw new CannotLetGo()
  const name = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`
  let isLetGo = false
  const onSent = (message: unknown): void => {
    const { headers, socket } = message as Sent
    if (typeof headers !== 'string' || !headers.includes(name) || typeof socket?.unref !== 'function') return
    socket.unref()
    isLetGo = true
  }
  diagnostics.subscribe(channel, onSent)
  try {
    const response = await send({ [header]: name })
    if (isLetGo) return response
    await response.body?.cancel()
    throw new CannotLetGo()
  } finally {
    diagnostics.unsubscribe(channel, onSent)
  }
}

function openDiagnostics(): Diagnostics | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }
  return process?.getBuiltinModule?.('node:diagnostics_channel') as Diagnostics | undefined
}
