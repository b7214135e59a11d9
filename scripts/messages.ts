// How long each kind of message of a peer keeps the loop, at its limits: `npx tsx scripts/messages.ts`, with a part of a name for some.
import process from 'node:process'
import { messages } from '../test/sim/watchdog.js'

const [wanted = ''] = process.argv.slice(2)
console.log('longest turn ms |  all ms | turns |')
for (const [kind, measure] of Object.entries(messages)) {
  if (!kind.includes(wanted)) continue
  measure() // once for the compiler
  const { longest_ms, all_ms, turns } = measure()
  console.log(
    `${longest_ms.toFixed(1).padStart(15)} | ${all_ms.toFixed(1).padStart(7)} | ${String(turns).padStart(5)} | ${kind}`,
  )
}
