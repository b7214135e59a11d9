// Something that accepts every connection, so that health checks are content, and does nothing else.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

export async function acceptAll(): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() }
}
