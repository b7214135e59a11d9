/**
 * Tells whoever listens what becomes of calls, by `node:diagnostics_channel`: `rollcall:attempt`, `rollcall:ejected`,
 * `rollcall:restored`. Where there is no such module, as in browsers, nobody can listen.
 */
interface Channel {
  readonly hasSubscribers: boolean
  publish(message: unknown): void
}

const names = ['attempt', 'ejected', 'restored'] as const
type Name = (typeof names)[number]

const channels = openChannels()

/** Costs nothing where nobody listens. */
export function tell(name: Name, message: object): void {
  const channel = channels?.[name]
  if (channel?.hasSubscribers === true) channel.publish(message)
}

function openChannels(): Readonly<Record<Name, Channel>> | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }
  const diagnostics = process?.getBuiltinModule?.('node:diagnostics_channel') as
    | { channel(name: string): Channel }
    | undefined
  if (diagnostics === undefined) return undefined
  const [attempt, ejected, restored] = names.map((name) => diagnostics.channel(`rollcall:${name}`))
  return { attempt, ejected, restored } as Readonly<Record<Name, Channel>>
}
