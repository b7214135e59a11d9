/**
 * `rollcall start` around a daemon that is none, so that its signals, its lines and its exit codes can be tested alone.
 * The first argument says what the daemon does when it is asked to stop, or that it does not start at all.
 */
import '../../src/polyfill.js'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runDaemon, type StartDaemon } from '../../src/cli/start.js'
import { parseConfig } from '../../src/config.js'
import { RegistryError } from '../../src/core/model/errors.js'
import { createLog } from '../../src/log.js'
import { MemoryService } from '../http/service.js'

const behaviour = process.argv[2] ?? 'stops'

const startPretended: StartDaemon = async (config, log) => {
  if (behaviour === 'fails') throw new RegistryError('unavailable', 'http: 127.0.0.1:1 is in use')
  mkdirSync(config.dataDir, { recursive: true })
  writeFileSync(join(config.dataDir, 'key'), '')
  log.info({ dataDir: config.dataDir }, 'serving')
  const alive = setInterval(() => undefined, 1000)
  const stopped = Promise.withResolvers<void>()
  if (behaviour === 'leaves') setTimeout(() => stopped.resolve(), 50)
  if (behaviour === 'breaks') setTimeout(() => void Promise.reject(new Error('nobody waits for this')), 50)
  const service = new MemoryService()
  const begun = Promise.withResolvers<void>()
  if (behaviour === 'joins') {
    service.ready = { ready: false, reasons: ['joining'], degraded: false }
    process.once('SIGUSR2', () => {
      service.ready = { ready: true, reasons: [], degraded: false }
      begun.resolve()
    })
  } else begun.resolve()
  return {
    service,
    begun: begun.promise,
    http: { url: 'http://127.0.0.1:1' },
    peerId: 'PEER',
    listen: ['/ip4/10.0.0.5/tcp/1', '/ip4/10.0.0.6/tcp/1'],
    admit: () => undefined,
    stop: async () => {
      if (behaviour === 'hangs') await new Promise(() => undefined)
      // At the very end: until then something may still be closed.
      if (behaviour === 'exhausts') process.prependListener('exit', openAll)
      clearInterval(alive)
      stopped.resolve()
    },
    stopped: stopped.promise,
  }
}

/** As many files as the process may: its test has set a limit. */
function openAll(): void {
  try {
    for (;;) openSync('/dev/null', 'r')
  } catch {
    // None is left.
  }
}

const config = parseConfig({ flags: { temp: true }, env: {} })
process.exit(await runDaemon(config, await createLog('info'), startPretended))
