// A survey of a simulated cluster, beside all else that a doctor looks at: the wires say what the network of a daemon would.
import { atOnce } from '../../src/core/basics/steps.js'
import { diagnose } from '../../src/core/doctor/doctor.js'
import type { Examined } from '../../src/core/doctor/examined.js'
import type { Finding } from '../../src/core/doctor/findings.js'
import { sightOf } from '../../src/core/survey/sight.js'
import { surveyOf, type Told } from '../../src/core/survey/survey.js'
import type { Sight } from '../../src/core/survey/views.js'
import type { PeerView } from '../../src/core/views.js'
import type { Machine } from './machine.js'
import type { World } from './world.js'

function peersOf(world: World, machine: Machine): PeerView[] {
  const { read } = machine.live
  const at = world.moment(machine.name)
  return read
    .members(at)
    .filter(({ self }) => !self)
    .map(({ peer }) => {
      const connected = [...machine.connected].some((name) => world.machine(name).self === peer)
      return { peer, connected, streamsHealthy: connected, ...read.exchange(peer, at), ...read.line(peer, at) }
    })
}

function selfOf({ live, self, name }: Machine): Examined['self'] & { version: string; protocol: number; listen: [] } {
  const readiness = { nodeId: `node-${name}`, peer: self, ready: live.readiness(), dropped: live.dropped() }
  return { ...readiness, state: live.toJSON(), version: '1.0.0', protocol: 2, listen: [] }
}

function sight(world: World, machine: Machine): Sight {
  const { read } = machine.live
  const at = world.moment(machine.name)
  return atOnce(
    sightOf({
      ...{ self: selfOf(machine), members: read.members(at), digest: read.digest(), wall: at.wall },
      peers: { peers: peersOf(world, machine), degraded: machine.live.readiness().degraded },
    }),
  )
}

/** What the doctor of that machine looks at, where every machine that it is connected with answers. */
export function examined(world: World, name: string): Examined {
  const machine = world.machine(name)
  const { read } = machine.live
  const at = world.moment(name)
  const told = new Map<string, Told>()
  for (const other of machine.connected) {
    const asked = world.machine(other)
    told.set(asked.self, { how: 'answered', sight: sight(world, asked), askedAt: at.wall, way_ms: 0 })
  }
  const members = read.members(at)
  const records = read.nodeRecords()
  return {
    survey: atOnce(surveyOf({ members, own: sight(world, machine), told, records, wall: at.wall, took_ms: 0 })),
    ...{ self: selfOf(machine), members, peers: { peers: peersOf(world, machine) }, rows: read.rows(at), records },
  }
}

/** What is found at a machine. */
export function findingsAt(world: World, name: string): readonly Finding[] {
  return diagnose(examined(world, name)).findings
}

/** The same in short: `error node-gone node-c`. */
export function foundAt(world: World, name: string): string[] {
  return findingsAt(world, name).map(({ severity, id, about }) => `${severity} ${id} ${about.join(' ')}`.trim())
}
