// The property that what must not come back is remembered for 35 days that its holder was up, neither less nor for ever.
import { expect, test } from 'vitest'
import type { Disk } from './disk.js'
import { seeds } from './lives.js'
import { Random } from './random.js'
import { agree, cluster, done, registered } from './stories/cluster.js'
import type { World } from './world.js'

const hour_ms = 3600_000
const day_ms = 24 * hour_ms
const year_days = 365
/** What one end without a word can take from the count. */
const lost_ms = 600_000
const steps = 24
const lives = Math.ceil(seeds / 4)

/** A machine, with the time that it was up since it removed something: at the most, and as far as it has counted. */
interface Holder {
  readonly world: World
  readonly random: Random
  up_ms: number
  counted_ms: number
  backup: { readonly disk: Disk; readonly counted_ms: number }
}

function newHolder(seed: number): Holder {
  const world = cluster('ab', { seed })
  registered(world, 'b', 'x')
  agree(world)
  world.crash('b') // for good: what it held is removed, and itself forgotten
  world.run(5000)
  done(world, world.deregister('a', 'x'))
  done(world, world.command('a', { type: 'remove-node', owner: 'b' }))
  done(world, world.define('a', 'd'))
  done(world, world.undefine('a', 'd'))
  const backup = { disk: world.machine('a').disk.copy(), counted_ms: 0 }
  return { world, random: new Random(seed), up_ms: 0, counted_ms: 0, backup }
}

function ready(world: World): void {
  world.until(() => world.machine('a').registry?.readiness().ready === true, 10_000, 'readiness')
  world.run(300)
}

/** What it still remembers of what it removed. */
function remembered({ world }: Holder): string[] {
  const entries = world.machine('a').disk.entriesOf('a')
  return entries.filter(({ map }) => map !== 'node').map(({ map }) => map)
}

function end({ world, random }: Holder): void {
  const how = random.below(3)
  if (how === 0) world.leave('a')
  else if (how === 1) world.crash('a')
  else world.vanish('a')
}

/** Up or off for a while, killed, restored from a backup, its clock set: whatever comes next. */
function goOn(holder: Holder): void {
  const { world, random } = holder
  const machine = world.machine('a')
  const begun = world.now
  if (machine.registry !== undefined) {
    end(holder)
    if (random.chance(0.15)) holder.backup = { disk: machine.disk.copy(), counted_ms: holder.counted_ms }
  }
  const length_ms = random.below(6 * day_ms)
  machine.wallOffset_ms += length_ms
  if (random.chance(0.6)) {
    machine.disk.live(length_ms)
    holder.counted_ms += length_ms
    holder.up_ms += length_ms + lost_ms
  }
  if (random.chance(0.2)) machine.wallOffset_ms += (random.below(8 * year_days) - 4 * year_days) * day_ms
  if (random.chance(0.1)) {
    machine.disk = holder.backup.disk.copy()
    holder.counted_ms = holder.backup.counted_ms
  }
  world.start('a')
  ready(world)
  holder.up_ms += world.now - begun
}

test(
  `what was removed is remembered for 35 days that its holder was up, through ${lives} random lives`,
  { timeout: 3_600_000 },
  () => {
    for (let seed = 1; seed <= lives; seed += 1) {
      const holder = newHolder(seed)
      for (let step = 0; step < steps; step += 1) {
        goOn(holder)
        const { up_ms, counted_ms } = holder
        const held = remembered(holder)
        const where = `seed ${seed}, step ${step}, up for ${up_ms / day_ms} days, of which ${counted_ms / day_ms} are counted`
        if (up_ms < 35 * day_ms) expect(held, where).toEqual(['definitions', 'removals', 'fences'])
        if (counted_ms > 35 * day_ms + hour_ms) expect(held, where).toEqual([])
      }
    }
  },
)
