// Bytes gone wrong: flips, cuts, splices and noise, from a seed.
import type { Random } from './random.js'

/** @param others further messages, for splices */
export function mutate(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  const mutated = Uint8Array.from(bytes)
  const at = random.below(Math.max(1, bytes.length))
  switch (random.below(8)) {
    case 0:
    case 1: {
      for (let i = 0; i <= random.below(4); i++) {
        const where = random.below(Math.max(1, bytes.length))
        mutated[where] = (mutated[where] ?? 0) ^ (1 << random.below(8))
      }
      return mutated
    }
    case 2:
      mutated[at] = random.below(256)
      return mutated
    case 3:
      return mutated.subarray(0, at)
    case 4: {
      const other = random.pick(others)
      return join(mutated.subarray(0, at), other.subarray(random.below(Math.max(1, other.length))))
    }
    case 5:
      return join(join(mutated.subarray(0, at), noise(1 + random.below(9), random)), mutated.subarray(at))
    case 6: {
      // a number that is as large as numbers get
      const huge = Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f].slice(random.below(8)))
      mutated.set(huge.subarray(0, bytes.length - at), at)
      return mutated
    }
    default:
      return random.chance(0.5) ? noise(random.below(200), random) : join(mutated, noise(1 + random.below(9), random))
  }
}

export function noise(length: number, random: Random): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256))
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
