// What the doors may keep of a lookup: as long as its version is the same, every word of it is, moments of heartbeats aside.
import { expect, test } from 'vitest'
import type { InstanceView } from '../../../src/core/views.js'
import { History } from '../history.js'
import type { World } from '../world.js'
import { agree, cluster, done } from './cluster.js'

type Read = ReturnType<World['machine']>['live']['read']

/** Remembers what each version said, and finds those that say something else by now. */
class Memory {
  readonly #said = new WeakMap<object, string>()
  /** By what is read: its revision, when it was last looked at, with the version of each slug then. */
  readonly #seen = new WeakMap<object, { readonly revision: number; readonly versions: readonly unknown[] }>()
  /** How often a version was met again. */
  again = 0

  check(world: World, slugs: readonly string[]): void {
    for (const { name, live } of world.running()) {
      const at = world.moment(name)
      this.#checkRevision(name, live.read, slugs)
      for (const slug of slugs) {
        const [known, list] = [live.read.version(slug, true), live.read.version(slug, false)]
        if (known === undefined) continue
        const { instances, degraded } = live.read.lookup(slug, at)
        expect(live.read.list(slug)).toEqual({ slug, instances: instances.map(still), degraded })
        this.#compare(known, { instances: instances.map(still), degraded }, `${name}: lookup of ${slug}`)
        if (list !== undefined && list !== known) {
          this.#compare(
            list,
            { instances: live.read.instances(at, slug).map(still), degraded: false },
            `${name}: list of ${slug}`,
          )
        }
      }
    }
  }

  /** Who watches slugs looks at them where the revision is another one, and only there. */
  #checkRevision(name: string, read: Read, slugs: readonly string[]): void {
    const versions = slugs.map((slug) => read.version(slug, true))
    const seen = this.#seen.get(read)
    const isSame = seen?.versions.every((version, i) => version === versions[i]) ?? true
    if (!isSame) expect({ name, revision: read.revision }).not.toEqual({ name, revision: seen?.revision })
    this.#seen.set(read, { revision: read.revision, versions })
  }

  #compare(version: object, answer: object, what: string): void {
    const text = JSON.stringify(answer)
    const before = this.#said.get(version)
    if (before !== undefined) {
      this.again += 1
      expect({ what, text: before }).toEqual({ what, text })
    }
    this.#said.set(version, text)
  }
}

function still({ lastHeartbeat: _, ...rest }: InstanceView): object {
  return rest
}

test('a node that comes back under another url is shown under it, though its instances are the same', () => {
  const world = cluster('ab')
  done(world, world.register('b', { id: 'i', slug: 'web', url: 'http://i.test' }))
  agree(world)
  const memory = new Memory()
  const urls = new Set<string | undefined>()
  const look = (): boolean => {
    memory.check(world, ['web'])
    const at = world.moment('a')
    for (const { nodeUrl } of world.machine('a').live.read.lookup('web', at).instances) urls.add(nodeUrl)
    return urls.has('http://moved:1')
  }
  look()
  world.crash('b')
  world.start('b', { url: 'http://moved:1' })
  world.until(look, 20_000, 'the new url')
  expect([...urls]).toEqual(['http://b:58231', 'http://moved:1'])
})

test('a node whose url changes while it lives is shown under it everywhere, and its record changes once', () => {
  const world = cluster('ab')
  done(world, world.register('b', { id: 'i', slug: 'web', url: 'http://i.test' }))
  agree(world)
  const memory = new Memory()
  const urlAt = (name: string): string | undefined =>
    world.machine(name).live.read.lookup('web', world.moment(name)).instances[0]?.nodeUrl
  memory.check(world, ['web'])
  world.move('b', 'http://moved:1')
  world.until(() => urlAt('a') === 'http://moved:1' && urlAt('b') === 'http://moved:1', 20_000, 'the new url')
  memory.check(world, ['web'])
  agree(world)
  const before = world.machine('a').live.read.digest()
  world.move('b', 'http://moved:1')
  world.run(1000)
  expect(world.machine('a').live.read.digest()).toEqual(before)
})

test.each(Array.from({ length: 12 }, (_, seed) => [seed % 2 === 0 ? 'a life' : 'a wild life', seed] as const))(
  'in %s from seed %i no version says two things',
  (_name, seed) => {
    const history = new History(seed, seed % 2 === 1)
    const memory = new Memory()
    for (let i = 0; i < 60; i += 1) {
      history.live(1)
      memory.check(history.world, ['s0', 's1', 's2'])
    }
    expect(memory.again).toBeGreaterThan(20)
  },
)
