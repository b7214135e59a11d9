/**
 * Finds a port for a program that will listen on it: one that is free now on every address of this machine. It is not held
 * until then.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** The system draws such ports in turn, so that it is unlikely to give this one to somebody else in the next moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
