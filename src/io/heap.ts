/**
 * How far the heap of this process grows before all of it is gone through. Where it may have little V8 lets it grow by a third only: busy
 * daemons then stood still for 10 to 20 ms, twice in three seconds. It goes through all of it earlier where its limit is near, as ever; where
 * nothing happens it may keep more than it would by itself.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/** From here on V8 lets it grow by more. */
const muchBytes = 2 * 1024 ** 3

/** By as much as lives. For processes that are ours alone: it counts for all that runs in this one. */
export function letHeapDouble(): void {
  if (getHeapStatistics().heap_size_limit < muchBytes) setFlagsFromString('--heap-growing-percent=100')
}
