/**
 * Lots that texts draw: numbers that look like chance. Callers of every version draw the same.
 */

/** The finaliser of MurmurHash3: each bit moves half of the bits of the lot. @returns a whole number of 32 bits, with its sign */
export function lot(bits: number): number {
  let h = bits
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/**
 * The same of bits that are a lot already, and for comparing alone: without its first step, which they have behind them, and its last one,
 * which moves lower bits. With a step less of those between, shares are no longer even.
 */
export function lotOf(drawn: number): number {
  const h = Math.imul(drawn, 0x85ebca6b)
  return Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
}

/** How great a lot is, between 0 and 1; never either. */
export function shareOf(drawn: number): number {
  return (drawn + 2 ** 31 + 0.5) / 2 ** 32
}

/** FNV-1a over UTF-16, finished as a lot is. */
export function hashText(text: string, seed: number): number {
  let h = 0x811c9dc5 ^ seed
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i)
    h = Math.imul(h ^ (unit & 0xff), 0x01000193)
    h = Math.imul(h ^ (unit >>> 8), 0x01000193)
  }
  return lot(h)
}
