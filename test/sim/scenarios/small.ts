// Clusters of one to four machines with every single and every double failure: no majority to lean on.
import { World } from '../world.js'
import { hidings } from './beliefs.js'
import type { Outcome } from './outcome.js'
import type { Scenario } from './stage.js'

type Failure = 'crash' | 'vanish' | 'leave' | 'pause' | 'restart'
const failures: readonly Failure[] = ['crash', 'vanish', 'leave', 'pause', 'restart']

/** A machine, and what happens to it. */
interface Fault {
  readonly name: string
  readonly failure: Failure
}

const pause_ms = 6000
/** The slow path, and what it takes to notice: where too few are left to report, hearsay must end first. */
const hiddenWithin_ms = 12_000
const backWithin_ms = 20_000

/** All faults of one machine, and of two at once; where four are quick, each two failures befall one pair of them in turn. */
function faults(names: readonly string[], quick: boolean): Fault[][] {
  const single = names.flatMap((name) => failures.map((failure) => [{ name, failure }]))
  const pairs = names.flatMap((first, i) => names.slice(i + 1).map((second) => [first, second] as const))
  const kinds = failures.flatMap((first) => failures.map((second) => [first, second] as const))
  const double = kinds.flatMap(([first, second], i) => {
    const chosen = quick && names.length > 3 ? [pairs[i % pairs.length] as (typeof pairs)[number]] : pairs
    return chosen.map(([a, b]) => [
      { name: a, failure: first },
      { name: b, failure: second },
    ])
  })
  return [...single, ...double]
}

function perform(world: World, { name, failure }: Fault): void {
  if (failure === 'pause') world.pause(name, pause_ms)
  else if (failure === 'leave') world.command(name, { type: 'leave' })
  else if (failure === 'restart') {
    world.crash(name)
    world.start(name)
  } else world[failure](name)
}

/** @returns what went wrong, one line each */
function tryOut(names: readonly string[], chosen: readonly Fault[], seed: number): { wrong: string[]; story: string } {
  const world = new World({ seed })
  const wrong: string[] = []
  for (const name of names) world.start(name)
  const isWell = (): boolean =>
    world.digests().size === 1 &&
    world.running().every(({ live }) => live.readiness().ready && live.read.alive === world.running().length)
  world.until(isWell, 60_000, 'the beginning', 50)
  for (const name of names) world.register(name, { id: `of-${name}`, slug: 'web', url: `http://${name}.test:1` })
  world.run(3000)
  const since = world.now
  for (const fault of chosen) perform(world, fault)
  world.run(150)
  for (const { name, failure } of chosen) if (failure === 'leave') world.crash(name)
  const gone = chosen.filter(({ failure }) => failure !== 'pause' && failure !== 'restart').map(({ name }) => name)
  const touched = chosen.map(({ name }) => name)
  const well = names.filter((name) => !touched.includes(name))
  world.run(hiddenWithin_ms)
  for (const name of well) {
    for (const other of gone) {
      if (world.instances(name).includes(`of-${other}`)) wrong.push(`${name} still shows ${other}`)
    }
  }
  for (const { observer, subject } of hidings(world, { subjects: well, observers: well, since }))
    wrong.push(`${observer} hid ${subject}, which was well`)
  for (const name of gone) world.start(name)
  const begun = world.now
  while (!isWell() && world.now - begun < backWithin_ms) world.run(50)
  if (!isWell()) wrong.push(`not well again after ${backWithin_ms} ms`)
  world.run(8000)
  for (const name of names) {
    const shown = world.instances(name).join(' ')
    const expected = names.map((other) => `of-${other}`).join(' ')
    if (shown !== expected) wrong.push(`${name} shows ${shown}`)
  }
  return { wrong, story: wrong.length === 0 ? '' : world.story(25) }
}

export const small: Scenario = {
  name: 'small',
  needsContent: true,
  chance: 'little',
  what: 'one to four machines, every single and double failure (crash, silent death, goodbye, pause, restart)',
  run({ seed, quick }): Outcome {
    const broken: string[] = []
    let story = ''
    for (const names of ['a', 'ab', 'abc', 'abcd']) {
      for (const chosen of faults([...names], quick)) {
        const outcome = tryOut([...names], chosen, seed)
        if (outcome.wrong.length === 0) continue
        const title = chosen.map(({ name, failure }) => `${name} ${failure}`).join(', ')
        broken.push(`${names}: ${title}: ${outcome.wrong.slice(0, 3).join('; ')}`)
        story ||= outcome.story
        if (quick && broken.length > 5) return { figures: {}, broken, story }
      }
    }
    return { figures: {}, broken, story }
  },
}
