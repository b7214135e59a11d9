/**
 * The command that prints what a shell needs to complete our command lines, made from the commands themselves. What only a daemon
 * knows (services, ids, nodes) the script asks for with the hidden command `__complete`.
 */
import { Argument, type Command } from 'commander'
import type { Client } from '../client.js'
import { clientOf, printLines, withExamples } from './command.js'
import { bashScript } from './completion/bash.js'
import { fishScript } from './completion/fish.js'
import { shapeOf } from './completion/shape.js'
import { zshScript } from './completion/zsh.js'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const
type Shell = keyof typeof scripts

export function addCompletionCommand(program: Command): void {
  const command = program.command('completion').description('print what a shell needs to complete these commands')
  withExamples(
    command
      .addArgument(new Argument('<shell>', 'which').choices(Object.keys(scripts)))
      .action((shell: Shell) => printLines(scripts[shell](shapeOf(program)))),
    ['source <(rollcall completion bash)', 'in ~/.bashrc'],
    ['source <(rollcall completion zsh)', 'in ~/.zshrc, after compinit'],
    ['rollcall completion fish > ~/.config/fish/completions/rollcall.fish', 'once'],
  )
  program
    .command('__complete', { hidden: true })
    .argument('<what>')
    .action(async (what: string) => printLines(...(await wordsOf(what))))
}

const sources: Readonly<Record<string, (client: Client) => Promise<readonly (string | undefined)[]>>> = {
  slugs: async (client) => (await client.instanceRows()).instances.map(({ slug }) => slug),
  instances: async (client) => (await client.instanceRows()).instances.map(({ id }) => id),
  definitions: async (client) => (await client.definitions()).definitions.map(({ id }) => id),
  nodes: async (client) => (await client.members()).members.map(({ nodeId, peer }) => nodeId ?? peer),
}

/** Nothing where there is no daemon: a shell that completes has no place for errors. Nor for words that it would take apart. */
async function wordsOf(what: string): Promise<readonly string[]> {
  try {
    const words = (await sources[what]?.(clientOf({}))) ?? []
    return [...new Set(words)].filter((word): word is string => word !== undefined && /^[\w./~@+-]+$/.test(word)).sort()
  } catch {
    return []
  }
}
