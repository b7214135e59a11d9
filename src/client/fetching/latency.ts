/**
 * How long calls take: of one instance as a load to be compared, of a whole service as a quantile. Times are milliseconds on a clock
 * that never steps, given with each word.
 */

/** What was long ago counts the less: after so long a third. */
const decay_ms = 10_000

/**
 * Peak EWMA (Finagle): a latency above the mean is believed at once, one below it by and by. So that what becomes slow is avoided at
 * once, and asked again as time goes by.
 */
export class PeakEwma {
  #mean_ms = 0
  #at = 0
  #inFlight = 0

  begin(): void {
    this.#inFlight += 1
  }

  /** @param latency_ms absent where nothing was learnt, as by a call that its caller gave up */
  end(now: number, latency_ms?: number): void {
    this.#inFlight -= 1
    if (latency_ms === undefined) return
    const before = this.#mean(now)
    const weight = Math.exp((this.#at - now) / decay_ms)
    this.#mean_ms = latency_ms > before ? latency_ms : this.#mean_ms * weight + latency_ms * (1 - weight)
    this.#at = now
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** The less the better. Of whom nothing is known he gets a call, but not all of them at once. */
  load(now: number): number {
    const mean_ms = this.#mean(now)
    return mean_ms === 0 && this.#inFlight > 0 ? unknown_ms + this.#inFlight : mean_ms * (this.#inFlight + 1)
  }

  #mean(now: number): number {
    return this.#mean_ms * Math.exp((this.#at - now) / decay_ms)
  }
}

const unknown_ms = 1000

/** Buckets grow by a tenth; from a tenth of a millisecond to some minutes. */
const growth = Math.log(1.1)
const first_ms = 0.1
const buckets = 160
/** Fewer say nothing of the usual one. */
const fewest = 10

/** Of the calls of the last while. */
export class Latencies {
  #counts = new Float64Array(buckets)
  #total = 0
  #halvedAt: number | undefined

  add(now: number, latency_ms: number): void {
    this.#age(now)
    const at = Math.floor(Math.log(Math.max(latency_ms, first_ms) / first_ms) / growth)
    const bucket = Math.min(buckets - 1, at)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#total += 1
  }

  /** At most a tenth too great; undefined where there were too few calls lately. */
  quantile(now: number, share: number): number | undefined {
    this.#age(now)
    // Of one in a hundred a hundred say something.
    if (this.#total < Math.max(fewest, Math.round(1 / (1 - share)))) return undefined
    let left = this.#total * share
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      left -= this.#counts[bucket] as number
      if (left <= 0) return first_ms * Math.exp(growth * (bucket + 1))
    }
    return undefined
  }

  #age(now: number): void {
    this.#halvedAt ??= now
    for (; now - this.#halvedAt >= decay_ms; this.#halvedAt += decay_ms) {
      if (this.#total < 0.5) {
        this.#halvedAt = now
        return
      }
      this.#counts = this.#counts.map((count) => count / 2)
      this.#total /= 2
    }
  }
}
