/**
 * The commands about definitions: list, save from a file, remove. Beyond the id, what is in a definition is not looked at.
 */
import type { Command } from 'commander'
import { RegistryError } from '../core/errors.js'
import { parseDefinition, type Definition } from '../core/model.js'
import {
  clientOf,
  printJson,
  printLines,
  readJsonFile,
  reads,
  takesServer,
  terminalWidth,
  type ReadingOptions,
  type ServerOptions,
} from './command.js'
import { renderTable, type Column } from './format.js'

export function addDefinitionCommands(program: Command): void {
  const group = program.command('definitions').description('what services are: list, save, remove')
  reads(group.command('list').description('all definitions')).action(list)
  takesServer(group.command('save').description('save a definition; one of the same id is replaced'))
    .argument('<file.json>', 'a definition, or {"definition": …}')
    .action(save)
  takesServer(group.command('remove').description('remove a definition')).argument('<id>').action(remove)
}

async function list(options: ReadingOptions): Promise<void> {
  const answer = await clientOf(options).definitions()
  if (options.json) return printJson(answer)
  const { definitions } = answer
  printLines(definitions.length === 0 ? 'no definitions' : renderTable(columns, definitions, terminalWidth()))
}

const columns: readonly Column<Definition>[] = [
  { head: 'ID', cell: ({ id }) => id },
  { head: 'IMAGE', cell: ({ image }) => textOf(image, 'name'), shrinks: true },
  { head: 'REPOSITORY', cell: ({ repository }) => textOf(repository, 'url'), shrinks: true },
]

function textOf(part: unknown, field: string): string | undefined {
  const value = (part as Readonly<Record<string, unknown>> | null | undefined)?.[field]
  return typeof value === 'string' ? value : undefined
}

async function save(file: string, options: ServerOptions): Promise<void> {
  const definition = readDefinition(file)
  await clientOf(options).saveDefinition(definition)
  printLines(`saved ${definition.id}`)
}

function readDefinition(file: string): Definition {
  const content = readJsonFile(file)
  const isWrapped = typeof content === 'object' && content !== null && 'definition' in content && !('id' in content)
  try {
    return parseDefinition(isWrapped ? content : { definition: content })
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause
    throw new RegistryError(cause.code, `${file}: ${cause.message}`, { cause })
  }
}

async function remove(id: string, options: ServerOptions): Promise<void> {
  await clientOf(options).removeDefinition(id)
  printLines(`removed ${id}`)
}
