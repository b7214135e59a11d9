// Does violence to real daemons on this machine, and says which rule broke: `npm run violence -- services mixed`.
import { canMakeCables } from '../test/daemon/lan.js'
import { setup } from '../test/daemon/one-file.js'
import { closeAll, closeCluster, openCluster, Trio, bySeeds, trioNames } from './bench/daemons.js'
import { circumstances } from './bench/machine.js'
import { figuresOf, table } from './bench/report.js'
import { endServices } from './bench/services/process.js'
import { killDaemons, rowsOf as rowsOfCrashes } from './violence/crashes.js'
import { rowsOf as rowsOfCopies, takeAway } from './violence/copies.js'
import { bandsOf, besiege, small } from './violence/hostile.js'
import { rowsOf as rowsOfFaults, spoilDisks } from './violence/disks.js'
import { beforeOperators, isKnown, programAt } from './violence/earlier.js'
import { rowsOf as rowsOfFrames, spoilFrames } from './violence/frames.js'
import { liveThrough, rowsOf as rowsOfHour } from './violence/hour.js'
import { mixVersions } from './violence/mixed.js'
import { crowd, crowds } from './violence/neighbours.js'
import { cutPower, rowsOf as rowsOfCuts } from './violence/power.js'
import { rollOver, rowsOf as rowsOfRolling } from './violence/rolling.js'
import { killServices, rowsOf } from './violence/services.js'
import { rowsOf as rowsOfUpgrade, upgradeAll } from './violence/upgrade.js'

const kinds: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  ...{ services, mixed, upgrade, crashes, copies, power, disks, rolling, hour, hostile, neighbours, frames },
}

/** The last commit of each earlier version that a daemon of this one may meet. */
const earlierVersions: Readonly<Record<string, { readonly commit: string; readonly isActing: boolean }>> = {
  'before metrics, DNS and the doctor': { commit: beforeOperators, isActing: true },
  'before nodes told their version': { commit: '7deeb21f1e984f38083c4a6e7c58b166f837400d', isActing: true },
  'before registrations had lifetimes': { commit: 'fcc929fcb12ea02a33f30e7827fc1cd0288de788', isActing: false },
  'before documents told their ancestry': { commit: '523cc38d215b8d7a25e99530b90bdfb0cf915656', isActing: true },
}

async function services(): Promise<readonly string[]> {
  const trio = new Trio((running) => [...bySeeds(running), '--log-level', 'debug']) // what is told where a rule is broken
  for (const name of trioNames) await trio.start(name)
  const daemons = trioNames.map((name) => trio.daemon(name))
  const limits = { dead_ms: 1000, missing_ms: 1000, gone_ms: 30_000 }
  const count = Number(process.env['VIOLENCE_SERVICES'] ?? 200)
  const damage = await killServices(daemons, { services: count, atOnce: 20, callers: 4, ...limits })
  process.stdout.write(`${table(rowsOf(damage).map(figuresOf))}\n`)
  return damage.broken
}

/** A cluster of this version and each earlier one. */
async function mixed(): Promise<readonly string[]> {
  const broken: string[] = []
  for (const [what, { commit, isActing }] of Object.entries(earlierVersions)) {
    if (!isKnown(commit)) {
      process.stdout.write(`skipped: ${what}, since the history of this copy does not have ${commit}\n`)
      continue
    }
    const versions = { earlier: openCluster(await programAt(commit)), later: openCluster(), isActing }
    const wrong = await mixVersions(versions)
    broken.push(...wrong.map((line) => `${what}: ${line}`))
    process.stdout.write(`with a daemon from ${what}: ${wrong.length === 0 ? 'all well' : `${wrong.length} wrong`}\n`)
  }
  return broken
}

/** From the earlier version to this one, and back. */
async function upgrade(): Promise<readonly string[]> {
  if (!isKnown(beforeOperators)) {
    process.stdout.write(`skipped: the history of this copy does not have ${beforeOperators}\n`)
    return []
  }
  const daemons = Number(process.env['VIOLENCE_DAEMONS'] ?? 3)
  const programs = { earlier: openCluster(await programAt(beforeOperators)), later: openCluster() }
  const progress = (step: string): void => void process.stderr.write(`${step}\n`)
  const upgraded = await upgradeAll({ ...programs, daemons, upgraded: daemons, soak_ms: 5000, progress })
  process.stdout.write(`${table(rowsOfUpgrade(upgraded).map(figuresOf))}\n`)
  return upgraded.broken
}

/** One daemon, to which nobody can give anything back; then five in turn. */
async function crashes(): Promise<readonly string[]> {
  const broken: string[] = []
  const kills = Number(process.env['VIOLENCE_KILLS'] ?? 500)
  for (const [what, daemons] of [
    ['one', 1],
    ['five in turn', 5],
  ] as const) {
    const cluster = openCluster()
    const crashes = await killDaemons({
      ...{ daemons, kills, writes: 200 },
      start: (name, running) => cluster.start(name, { args: bySeeds(running) }),
      progress: (killed) => {
        if (killed % 10 === 0) process.stderr.write(`${what}: ${killed} of ${kills} kills\n`)
      },
    })
    process.stdout.write(`${table(rowsOfCrashes(what, crashes).map(figuresOf))}\n`)
    broken.push(...crashes.broken.map((line) => `${what}: ${line}`))
    await closeCluster(cluster)
  }
  return broken
}

/** Machines that never come back: alone, and with all others killed in the same moment. */
async function copies(): Promise<readonly string[]> {
  return [...(await copiesOf(false)), ...(await copiesOf(true))]
}

async function copiesOf(isTogether: boolean): Promise<readonly string[]> {
  const rounds = Number(process.env['VIOLENCE_MACHINES'] ?? 50)
  const cluster = openCluster()
  const taken = await takeAway({
    ...{ rounds, writes: 200, isTogether },
    start: (name, running) => cluster.start(name, { args: bySeeds(running) }),
    progress: (round) => tellNow(round, rounds, 'machines', 10),
  })
  process.stdout.write(`${table(rowsOfCopies(taken).map(figuresOf))}\n`)
  await closeCluster(cluster)
  return taken.broken
}

/** One database, in this process. */
async function power(): Promise<readonly string[]> {
  const [count, seed] = [Number(process.env['VIOLENCE_CUTS'] ?? 500), Number(process.env['VIOLENCE_SEED'] ?? 1)]
  const cuts = await cutPower(count, seed, (cut) => tellNow(cut, count, 'power cuts'))
  process.stdout.write(`${table(rowsOfCuts(cuts).map(figuresOf))}\n`)
  return cuts.broken
}

/** One database, in this process; those that never answer in virtual time. */
async function disks(): Promise<readonly string[]> {
  const [count, seed] = [Number(process.env['VIOLENCE_FAULTS'] ?? 2000), Number(process.env['VIOLENCE_SEED'] ?? 1)]
  const faults = await spoilDisks(count, seed, (done) => tellNow(done, count, 'faults'))
  process.stdout.write(`${table(rowsOfFaults(faults).map(figuresOf))}\n`)
  return faults.broken
}

async function rolling(): Promise<readonly string[]> {
  const daemons = Number(process.env['VIOLENCE_DAEMONS'] ?? 20)
  const progress = (restarted: number): void => tellNow(restarted, daemons, 'restarts', 1)
  const rolled = await rollOver({ daemons, pause_ms: 50, progress })
  process.stdout.write(`${table(rowsOfRolling(rolled).map(figuresOf))}\n`)
  return rolled.broken
}

async function hour(): Promise<readonly string[]> {
  const [daemons, minutes] = [
    Number(process.env['VIOLENCE_DAEMONS'] ?? 20),
    Number(process.env['VIOLENCE_MINUTES'] ?? 60),
  ]
  const every_ms = Math.min(60_000, (minutes * 60_000) / 12)
  const progress = (minute: number, fault: string): void =>
    void process.stderr.write(`minute ${minute} of ${minutes}: ${fault}\n`)
  const lived = await liveThrough({ daemons, minutes, every_ms, progress })
  process.stdout.write(`${table(rowsOfHour(lived).map(figuresOf))}\n`)
  return lived.broken
}

function tellNow(done: number, all: number, what: string, each = 100): void {
  if (done % each === 0) process.stderr.write(`${done} of ${all} ${what}\n`)
}

/** Members that keep no limit against three daemons. */
async function hostile(): Promise<readonly string[]> {
  const trio = new Trio(bySeeds, small.env)
  for (const name of trioNames) await trio.start(name)
  const other = new Trio(bySeeds, small.env)
  await other.start('a')
  const seconds = Number(process.env['VIOLENCE_SECONDS'] ?? 30)
  const { rows, broken, slow } = await besiege(
    trioNames.map((name) => trio.daemon(name)),
    seconds,
    bandsOf(process.env['VIOLENCE_FLOODS']?.split(',')),
    other.daemon('a'),
  )
  process.stdout.write(`${table(rows.map(figuresOf))}\n`)
  await Promise.all([trio.close(), other.close()])
  return [...broken, ...slow]
}

/** Somebody on the network who makes up peers, from ever more addresses. */
async function neighbours(): Promise<readonly string[]> {
  if (!canMakeCables()) {
    process.stdout.write('skipped: network namespaces and bridges are not permitted here\n')
    return []
  }
  await setup()
  const newcomers = Number(process.env['VIOLENCE_NEWCOMERS'] ?? 5)
  const broken: string[] = []
  for (const one of crowds) {
    const crowded = await crowd(one, { newcomers, within_ms: 5000 })
    process.stdout.write(`${table(crowded.rows.map(figuresOf))}\n`)
    broken.push(...crowded.broken)
  }
  return broken
}

/** Each parser alone, in this process. */
async function frames(): Promise<readonly string[]> {
  const broken: string[] = []
  const [count, seed] = [
    Number(process.env['VIOLENCE_FRAMES'] ?? 10_000_000),
    Number(process.env['VIOLENCE_SEED'] ?? 1),
  ]
  for (const one of spoilFrames(count, seed)) {
    process.stdout.write(`${table(rowsOfFrames(one).map(figuresOf))}\n`)
    broken.push(...one.broken)
  }
  return broken
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !(name in kinds))
  if (unknown !== undefined) throw new Error(`${unknown}: there is ${Object.keys(kinds).join(', ')}`)
  const { cores, cpu, node, load, commit } = circumstances()
  process.stdout.write(`${cores} cores, ${cpu}; Node ${node}; load before ${load}; commit ${commit}\n\n`)
  for (const name of names.length === 0 ? Object.keys(kinds) : names) {
    const broken = (await kinds[name]?.()) ?? []
    for (const line of broken) process.stdout.write(`broken: ${line}\n`)
    if (broken.length > 0) process.exitCode = 1
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    endServices()
    void closeAll().finally(() => process.exit(1))
  })
}

try {
  await main(process.argv.slice(2))
} finally {
  endServices()
  await closeAll()
}
