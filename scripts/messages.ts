// How long each kind of message of a peer keeps the loop, at its limits: `npx tsx scripts/messages.ts`, with a part of a name for some.
import process from 'node:process'
import { type Kept, longest, messages } from '../test/sim/watchdog.js'

/** The first is for the compiler; of the others the middle one counts, since the collector has its turns too. */
const times = 6

const [wanted = ''] = process.argv.slice(2)
console.log('longest turn ms | the least |  all ms | turns |')
for (const [kind, cases] of [...Object.entries(messages), ['by hand', longest] as const])
  for (const [name, measure] of Object.entries(cases)) {
    if (!`${kind}: ${name}`.includes(wanted)) continue
    const kept = Array.from({ length: cases === longest ? 2 : times }, measure).slice(1)
    kept.sort((a, b) => a.longest_ms - b.longest_ms)
    const [least, middle] = [kept[0], kept[Math.floor(kept.length / 2)]] as [Kept, Kept]
    const figures = [middle.longest_ms.toFixed(1).padStart(15), least.longest_ms.toFixed(1).padStart(9)]
    const sums = [middle.all_ms.toFixed(1).padStart(7), String(middle.turns).padStart(5)]
    console.log(`${[...figures, ...sums].join(' | ')} | ${kind}: ${name}`)
  }
