// The contract, kept by a real daemon: a process of its own, with a disk and health checks.
import { contractSuite } from '../http/contract/suite.js'
import { Cluster } from './cluster.js'
import { loopback } from './place.js'

contractSuite('the Registry Svc contract, by a daemon alone', async () => {
  const cluster = new Cluster(loopback())
  const daemon = await cluster.start('alone', { args: ['--no-mdns', '--log-level', 'fatal'] })
  return { url: daemon.url, stop: () => cluster.close() }
})
