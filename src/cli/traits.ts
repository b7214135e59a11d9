/**
 * What an instance says of itself beyond where it is, as options of the commands that register one. What the values may be is the
 * register's to say.
 */
import type { Command } from 'commander'
import { collectPairs } from './pairs.js'

export interface TraitOptions {
  readonly metadata?: Readonly<Record<string, string>>
  readonly port?: Readonly<Record<string, string>>
  readonly weight?: string
  readonly serviceVersion?: string
  readonly zone?: string
  readonly deregisterAfter?: string
}

export function takesTraits(command: Command): Command {
  return takesChanges(command)
    .option('--port <name=number...>', 'further ports, by what each is for, such as metrics=9464', collectPairs)
    .option('--service-version <version>', 'the version of the service')
    .option('--zone <zone>', 'where it differs from that of its node')
    .option('--deregister-after <duration>', 'remove it when it is ill, or its node away, for so long')
}

/** Those that may change without a registration. */
export function takesChanges(command: Command): Command {
  return command
    .option('--metadata <key=value...>', 'what else there is to say of it', collectPairs)
    .option(
      '--weight <weight>',
      'its share of the calls, 0 to 65535 (default: 100); 0: only where nothing else is left',
    )
}

/** As a registration carries them; `undefined` where nothing is said. */
export function traitsOf(options: TraitOptions): Readonly<Record<string, unknown>> {
  const { metadata, port, weight, serviceVersion: version, zone, deregisterAfter } = options
  return { metadata, ports: portsGiven(port), weight: numberGiven(weight), version, zone, deregisterAfter }
}

/** What is no number is sent as it is, so that the daemon says what is wrong with it. */
export function numberGiven(text: string | undefined): unknown {
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

function portsGiven(
  ports: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (ports === undefined) return undefined
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, numberGiven(port)]))
}
