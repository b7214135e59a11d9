/**
 * A listener with nothing but the metrics: no token is asked for, nothing can be changed, nothing else can be read.
 */
import type { HostPort } from '../config.js'
import type { Log } from '../log.js'
import { Admission } from './admission.js'
import { createApp, refuseOtherMethods } from './app.js'
import { discardUnread } from './bodies.js'
import { metricsType } from './monitoring.js'
import { close, type HttpServer, listen } from './server.js'
import type { FindService } from './service.js'
import { SharedAnswers } from './shared-answers.js'

/** A few scrapers, each of which keeps one. */
const connections = 64

export interface MetricsDoorOptions extends HostPort {
  readonly service: FindService
  readonly log: Log
  /** Names and addresses, besides loopback and the bound one, that requests may carry in `Host`. */
  readonly allowedHosts: readonly string[]
}

export type MetricsDoor = Pick<HttpServer, 'start' | 'stop'>

export function createMetricsDoor({ host, port, service, log, allowedHosts }: MetricsDoorOptions): MetricsDoor {
  const served = { bound: host, names: allowedHosts, proxies: [], origins: [] }
  const app = createApp(log, served, new Admission({ corsOrigins: [] }), { connections, seeInstead: '/metrics' })
  discardUnread(app.server)
  const shared = new SharedAnswers()
  app.get('/metrics', async (_request, reply) =>
    reply.type(metricsType).send(await shared.answer('', () => service().metrics())),
  )
  refuseOtherMethods(app, new Map([['/metrics', new Set(['GET', 'HEAD'])]]))
  let stopping: Promise<void> | undefined
  return {
    async start() {
      const by = { what: 'metrics', option: '--metrics HOST:PORT (ROLLCALL_METRICS)' }
      const at = await listen(app, { host, port }, by)
      return { ...at, url: `${at.url}/metrics` }
    },
    stop: () => (stopping ??= close(app)),
  }
}
