// Ten things that happen at night: how each is made, what it is called, and what its cause and its remedy sound like in a good answer.
import { spawnSync } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Finding } from '../../src/core/doctor/findings.js'
import { until } from '../../test/daemon/cluster.js'
import type { Machines, Starting } from './machines.js'

export interface Scene {
  readonly machines: Machines
  /** The one with which something is wrong. */
  readonly sick: string
  /** One that is well, at which nobody looks. */
  readonly other: string
}

export interface Fault {
  readonly name: string
  /** For the file of answers. */
  readonly cause: (scene: Scene) => string
  /** How the sick one starts. */
  readonly starting?: Starting
  readonly make: (scene: Scene) => Promise<void>
  /** Whether this names the cause, with a remedy for it. */
  readonly isNamedBy: (finding: Finding, scene: Scene) => boolean
}

/** A library that shifts the clock, of the package `faketime`. */
export const shiftingClock = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
const deadResolver = '10.77.0.99'

function says({ what, meaning, remedy }: Finding, ...words: readonly RegExp[]): boolean {
  return words.every((word) => word.test(`${what} ${meaning} ${remedy}`))
}

function isAbout({ about, what }: Finding, name: string): boolean {
  return about.includes(name) || new RegExp(`\\b${name}\\b`).test(what)
}

const flooding = `
const [server, home] = process.argv.slice(1)
const tell = (n) => fetch(server + '/registry-svc/instance', {
  method: 'PUT',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ id: 'job-' + n, slug: 'job', url: home + '/' + n, check: 'none' }),
}).then((answer) => answer.text(), () => undefined)
let n = 0
const ends = Date.now() + 60_000
const write = async () => { while (Date.now() < ends) await tell(n++) }
for (let i = 0; i < 32; i++) void write()
`

export const faults: readonly Fault[] = [
  {
    name: 'kill',
    cause: ({ sick }) => `the daemon of ${sick} was killed with -9`,
    make: ({ machines, sick }) => machines.daemon(sick).kill('SIGKILL'),
    isNamedBy: (finding, { sick }) => isAbout(finding, sick) && says(finding, /crashed|killed/, /start it again/i),
  },
  {
    name: 'stop',
    cause: ({ sick }) => `the process of the daemon of ${sick} was stopped (SIGSTOP)`,
    make: async ({ machines, sick }) => void machines.daemon(sick).process.kill('SIGSTOP'),
    isNamedBy: (finding, { sick }) => isAbout(finding, sick) && says(finding, /frozen/, /kill -CONT/),
  },
  {
    name: 'cable',
    cause: ({ sick }) => `the cable of ${sick} was pulled`,
    make: async ({ machines, sick }) => machines.lan.unplug(sick),
    isNamedBy: (finding, { sick }) => isAbout(finding, sick) && says(finding, /line to it is cut/, /cable/),
  },
  {
    name: 'half',
    cause: ({ sick, other }) => `packets of ${other} to ${sick} are dropped, those back are not`,
    make: async ({ machines, sick, other }) =>
      machines.lan.on(sick, 'iptables', '-A', 'INPUT', '-s', machines.machine(other).address, '-j', 'DROP'),
    isNamedBy: (finding, { sick, other }) =>
      ['one-way-link', 'link-failing'].includes(finding.id) &&
      [sick, other].every((name) => isAbout(finding, name)) &&
      says(finding, /firewall/),
  },
  {
    name: 'disk',
    cause: ({ sick }) => `the disk of ${sick} is full`,
    starting: { prepare: (dataDir) => `mount -t tmpfs -o size=8m,mode=700 tmpfs ${dataDir}` },
    make: async ({ machines, sick }) => {
      const daemon = machines.daemon(sick)
      const folder = `/proc/${daemon.process.pid}/root${await machines.cluster.dataDir(sick)}`
      spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'big')}`, 'bs=64k'])
      // A file grows into the rest of its last block first.
      const path = 'x'.repeat(400)
      for (let n = 0, isTaken = true; isTaken && n < 100; n++)
        isTaken = await daemon.register({ id: `more-${n}`, url: `http://10.77.0.1/${path}`, check: 'none' }).then(
          () => true,
          () => false,
        )
    },
    isNamedBy: (finding, { sick }) =>
      isAbout(finding, sick) && says(finding, /disk/, /ENOSPC|full|no space/i, /make room/i),
  },
  {
    name: 'key',
    cause: ({ sick }) => `the daemon of ${sick} was started again with another cluster key`,
    make: async ({ machines, sick }) => {
      const args = ['--cluster-key', await machines.makeKey('wrong')]
      await machines.daemon(sick).kill('SIGTERM')
      await machines.start(sick, { args })
    },
    isNamedBy: (finding, { machines, sick }) =>
      (isAbout(finding, sick) || finding.what.includes(machines.machine(sick).address)) &&
      says(finding, /cluster keys? differ|another cluster key/, /--cluster-key/),
  },
  {
    name: 'clone',
    cause: ({ sick, other }) => `the data directory of ${other} was copied to ${sick}, and both run`,
    make: async ({ machines, sick, other }) => {
      await machines.daemon(sick).kill('SIGTERM')
      const dataDir = join(await machines.cluster.dataDir('copy'), 'of')
      await cp(await machines.cluster.dataDir(other), dataDir, { recursive: true })
      const daemon = await machines.spawn(sick, { dataDir })
      await until('it is up', async () => daemon.isUp || daemon.isOver)
    },
    isNamedBy: (finding, { sick, other }) =>
      finding.id === 'clone' &&
      (isAbout(finding, sick) || isAbout(finding, other)) &&
      says(finding, /copied/, /--data-dir/),
  },
  {
    name: 'clock',
    cause: ({ sick }) => `the clock of ${sick} is a day ahead`,
    make: async ({ machines, sick }) => {
      await machines.daemon(sick).kill('SIGTERM')
      await machines.start(sick, { env: { LD_PRELOAD: shiftingClock, FAKETIME: '+1d', DONT_FAKE_MONOTONIC: '1' } })
    },
    isNamedBy: (finding, { sick }) => isAbout(finding, sick) && says(finding, /clock/i, /24 h ahead/, /timedatectl/),
  },
  {
    name: 'resolver',
    cause: ({ sick }) => `the name server that ${sick} asks answers nothing`,
    starting: {
      prepare: () =>
        `mount -t tmpfs tmpfs /mnt; echo nameserver ${deadResolver} > /mnt/conf; mount --bind /mnt/conf /etc/resolv.conf`,
    },
    make: async ({ machines, sick }) => {
      for (const name of ['db', 'queue'])
        await machines
          .daemon(sick)
          .register({ id: name, slug: name, url: `http://${name}.shop.test:8080`, check: 'http:/' })
    },
    isNamedBy: (finding, { sick }) => isAbout(finding, sick) && says(finding, /resolve/, /resolv\.conf/),
  },
  {
    name: 'flood',
    cause: ({ sick }) => `a program registers new instances at ${sick} without end`,
    make: async ({ machines, sick }) => {
      const { place, address } = machines.machine(sick)
      const { url } = machines.daemon(sick)
      const args = ['--eval', flooding, url, `http://${address}:8080`]
      const program = place.spawn(process.execPath, args, { PATH: process.env['PATH'] })
      program.unref()
    },
    isNamedBy: (finding, { sick }) =>
      isAbout(finding, sick) && says(finding, /regist|writ/, /\bjob\b/, /rollcall (history|watch|instances)/),
  },
]
