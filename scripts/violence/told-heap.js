// Loaded into a daemon before its own code: on SIGUSR2 it collects all garbage, then writes down how much of the heap is left.
import { writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
const file = process.env['VIOLENCE_HEAP']
if (file !== undefined)
  process.on('SIGUSR2', () => {
    collect()
    collect()
    const { heapUsed, external } = process.memoryUsage()
    writeFileSync(file, JSON.stringify({ heapUsed, external, at: Date.now() }))
  })
