/**
 * The command that runs a daemon in this process until it is told to stop. The only place that answers signals and ends the process.
 */
import { rmSync } from 'node:fs'
import { Option, type Command } from 'commander'
import { options, parseConfig, warningsOf, type Config } from '../config.js'
import { keyOf } from '../config/option.js'
import { messageOf } from '../core/model/errors.js'
import { differencesOf } from '../daemon/reload.js'
import type { RegistryService } from '../http/service.js'
import { letHeapDouble } from '../io/heap.js'
import { createSystemd, type Systemd } from '../io/systemd.js'
import type { Log } from '../log.js'
import { exitCodes, printLines, reportFailure, withExamples } from './command.js'
import { onLostOutput } from './output.js'
import { saying } from './progress.js'
import { onStopSignal } from './signals.js'
import { waitForNoTerminal } from './terminals.js'

/** What `start` asks of a daemon. */
export interface RunningDaemon {
  readonly service: RegistryService
  readonly http?: { readonly url: string }
  readonly dns?: string
  readonly peerId: string
  readonly listen: readonly string[]
  /** Resolves once nothing is waited for any more: it is ready, or will not be soon. */
  readonly begun: Promise<void>
  /** Who may use the HTTP API from now on. */
  admit(access: Pick<Config, 'tokens' | 'corsOrigin' | 'allowHost'>): void
  stop(): Promise<void>
  /** Resolves once it has stopped, whoever asked for it. */
  readonly stopped: Promise<void>
}

export type StartDaemon = (config: Config, log: Log) => Promise<RunningDaemon>

/** From the first signal to the end of the process, whatever hangs. Service managers kill after 10 s or more. */
const stopDeadline_ms = 4_800
/** How often it is looked whether this daemon is ready still, so that systemd and the log can be told. */
const look_ms = 2000

export function addStartCommand(program: Command): void {
  const command = takesDaemonOptions(program.command('start').description('run a daemon: one on each machine'))
  command.action(async () => {
    waitForNoTerminal()
    letHeapDouble()
    const sources = { flags: givenFlags(command), env: process.env }
    const readConfig = (): Config => parseConfig(sources)
    const config = readConfig()
    // They bring the whole network stack along, which takes longer to load than any other command runs.
    const loading = Promise.all([import('../daemon.js'), import('../log.js'), import('../log/last-lines.js')])
    const [{ startDaemon }, { createLog }, { LastLines }] = await saying('loading the network stack', loading)
    const last = new LastLines()
    const log = await createLog(config.logLevel, last)
    for (const warning of warningsOf(sources)) log.warn(warning)
    process.exit(await runDaemon(config, log, (...given) => startDaemon(...given, last), readConfig))
  })
  withExamples(
    command,
    ['rollcall start', 'the nodes of one network find each other'],
    ['rollcall start --join 10.0.0.5', 'where multicast does not reach'],
    ['rollcall start --temp', 'one more on this machine, thrown away at its end'],
    ['rollcall start --config /etc/rollcall.yaml', 'options from a file; see: rollcall config'],
  )
}

/** Every option of the table, as a flag. */
export function takesDaemonOptions(command: Command): Command {
  for (const option of Object.values(options)) command.addOption(commanderOption(option))
  return command
}

type TableRow = (typeof options)[keyof typeof options]

function commanderOption(row: TableRow): Option {
  const fallback = 'fallback' in row ? `, default: ${row.fallback}` : ''
  const option = new Option(row.flag, `${row.what} (env: ${row.env}${fallback})`).hideHelp('hidden' in row)
  // Not by its method, which would refuse what the parser takes.
  if ('choices' in row) option.argChoices = [...row.choices]
  return option
}

/** Commander also lists what nobody gave, such as `mdns: true` for an option that begins with `--no-`. */
export function givenFlags(command: Command): Readonly<Record<string, unknown>> {
  const flags = Object.entries(command.opts<Record<string, unknown>>())
  return Object.fromEntries(flags.filter(([name]) => name in options && command.getOptionValueSource(name) === 'cli'))
}

/**
 * Starts, says so on stdout, waits for a signal or for the daemon's own end, stops.
 * @param readConfig reads the options again, as they stand by then; may throw RegistryError
 * @returns the exit code
 */
export async function runDaemon(
  config: Config,
  log: Log,
  startDaemon: StartDaemon,
  readConfig: () => Config = () => config,
): Promise<number> {
  if (config.temp) process.on('exit', () => removeTemporary(config.dataDir, log))
  endOnBugs(log)
  onLostOutput((sentence) => log.warn(`${sentence}; the daemon goes on`))
  const running: { daemon?: RunningDaemon; config: Config; isReloadDue: boolean; hasBegun?: true } = {
    ...{ config, isReloadDue: false },
  }
  const systemd = createSystemd(process.env, (sentence) => log.warn(sentence))
  const answerReload = (): void => {
    const { daemon, config: before, hasBegun } = running
    if (daemon === undefined) return void (running.isReloadDue = true)
    if (hasBegun) void systemd.reloading() // who has not started is not reloaded, to a service manager
    running.config = reload(daemon, before, readConfig, log)
    if (hasBegun) void systemd.started(standing(daemon.service)) // also where nothing could be read: it goes on as it was
  }
  const stopAsked = onceAskedToStop(log, answerReload)
  try {
    const daemon = await startDaemon(config, log)
    running.daemon = daemon
    void daemon.begun.then(() => (running.hasBegun = true))
    printLines(readyLine(daemon))
    if (running.isReloadDue) running.config = reload(daemon, config, readConfig, log)
    if (daemon.http !== undefined) log.info(`its page for people is ${daemon.http.url}/ui`)
    const untold = tellReadiness(daemon, systemd, log)
    await Promise.race([stopAsked, daemon.stopped])
    untold()
    void systemd.stopping()
    await daemon.stop()
    return exitCodes.fine
  } catch (error) {
    return await reportFailure(error)
  }
}

/**
 * Takes over what may change while a daemon runs, and says what has. A configuration that is wrong by now changes nothing.
 * @returns what it runs with from now on
 */
function reload(daemon: RunningDaemon, running: Config, readConfig: () => Config, log: Log): Config {
  let read: Config
  try {
    read = readConfig()
  } catch (error) {
    log.error(`SIGHUP: all stays as it was, since the options cannot be read again: ${messageOf(error)}`)
    return running
  }
  const { changed, later } = differencesOf(running, read, keyOf)
  daemon.admit(read)
  if (!log.isLevelEnabled('info')) log.level = read.logLevel // of the two levels the one that says more says this
  const said = changed.length === 0 ? 'nothing that counts at once is otherwise' : changed.join('; ')
  log.info({ changed }, `SIGHUP: read the options again: ${said}`)
  if (later.length > 0) log.warn({ later }, `changed too, but counts from the next start on: ${later.join(', ')}`)
  log.level = read.logLevel
  const { tokens: _, ...others } = running
  return {
    ...others,
    ...(read.tokens && { tokens: read.tokens }),
    corsOrigin: read.corsOrigin,
    allowHost: read.allowHost,
    logLevel: read.logLevel,
  }
}

/** At the very end: what cannot be removed any more is left, and named. */
function removeTemporary(dataDir: string, log: Log): void {
  try {
    rmSync(dataDir, { recursive: true, force: true })
  } catch (error) {
    log.warn({ dataDir }, `the temporary data dir could not be removed: ${messageOf(error)}`)
  }
}

function readyLine({ http, dns, peerId, listen }: RunningDaemon): string {
  const named = dns === undefined ? '' : ` dns=${dns}`
  return `rollcall ready http=${http?.url ?? '-'} peer=${peerId} listen=${listen.join(',')}${named}`
}

/**
 * It serves reads at once; before it takes writes it asks the others for what it wrote last, and before it is ready for what they hold.
 * People who wait are told. What is started after it is started when it is ready, or when that is not to be waited for.
 */
function tellReadiness({ service, begun }: RunningDaemon, systemd: Systemd, log: Log): () => void {
  const { ready, reasons } = service.readiness()
  if (!ready) log.info({ reasons }, 'serving reads; not ready yet')
  let told = ''
  let wasReady = ready
  let isOver = false
  const look = (tell: (status: string) => void): void => {
    const now = standing(service)
    const { ready: isReady, reasons: missing } = service.readiness()
    if (isReady && !wasReady) log.info('this node is ready: it serves reads and takes writes')
    if (!isReady && wasReady) log.warn({ reasons: missing }, `not ready any more: ${missing.join('; ')}`)
    wasReady = isReady
    // Not for every second that a countdown names.
    if (now.replaceAll(/\d+/g, '') !== told.replaceAll(/\d+/g, '')) tell((told = now))
  }
  const tellStatus = (status: string): void => void systemd.status(status)
  if (!ready) look(tellStatus)
  void begun.then(() => {
    told = ''
    if (!isOver) look((status) => void systemd.started(status))
  })
  const timer = setInterval(() => look(tellStatus), look_ms)
  return () => {
    isOver = true
    clearInterval(timer)
  }
}

/** In a line, for people. */
function standing(service: RegistryService): string {
  const { ready, reasons } = service.readiness()
  return ready ? 'ready' : `serving reads; not ready: ${reasons.join('; ')}`
}

/** The first signal asks, the second does not wait; but a closed terminal is told of twice, by the shell and by the kernel. */
function onceAskedToStop(log: Log, reload: () => void): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    onStopSignal((signal) => {
      if (asked && signal === 'SIGHUP') return
      if (asked) process.exit(exitCodes.failed)
      asked = true
      log.info({ signal }, 'stopping; a second signal ends at once')
      setTimeout(() => {
        log.error('could not stop in time')
        process.exit(exitCodes.failed)
      }, stopDeadline_ms).unref()
      resolve()
    }, reload)
  })
}

/** A state that no rule foresaw is not served from: the log gets the trace, and a service manager starts a fresh process. */
function endOnBugs(log: Log): void {
  const end = (error: unknown): void => {
    log.fatal({ err: error }, 'this is a bug in rollcall; the daemon ends')
    process.exit(exitCodes.failed)
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
}
