/**
 * A real server on a free loopback port, before a service in memory.
 */
import { createHttpServer, type HttpServerOptions } from '../../src/http/server.js'
import { silentLog } from '../../src/log.js'
import { MemoryService } from './service.js'

export interface MemoryServer {
  readonly url: string
  readonly service: MemoryService
  stop(): Promise<void>
}

export async function serveMemory(options: Partial<HttpServerOptions> = {}): Promise<MemoryServer> {
  const service = new MemoryService()
  const server = createHttpServer({ service: () => service, host: '127.0.0.1', port: 0, log: silentLog(), ...options })
  const { url } = await server.start()
  return { url, service, stop: () => server.stop() }
}
