// Every scenario there is, in the order in which they are run.
import { clocks } from './clocks.js'
import { crash, halfKilled, restart, silentDeath } from './deaths.js'
import { joining } from './joining.js'
import { bridge, oneWay, split, threeWay } from './partitions.js'
import { brokenLink, deafness, flipping, loss, pauses } from './sickness.js'
import { small } from './small.js'
import type { Scenario } from './stage.js'

export const scenarios: readonly Scenario[] = [
  crash,
  silentDeath,
  halfKilled,
  restart,
  joining,
  loss,
  deafness,
  flipping,
  pauses,
  brokenLink,
  split,
  threeWay,
  oneWay,
  bridge,
  small,
  clocks,
]
