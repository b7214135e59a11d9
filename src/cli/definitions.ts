/**
 * The commands about definitions: list, show, save from a file, remove. Beyond the id, what is in a definition is not looked at.
 */
import { isatty } from 'node:tty'
import type { Command } from 'commander'
import type { Client } from '../client.js'
import { didYouMean } from '../config/nearest.js'
import { readStructured, readText } from '../config/structured.js'
import { RegistryError } from '../core/model/errors.js'
import { parseDefinition, type Definition } from '../core/model/model.js'
import { changes, clientOf, answerOf, printJson, printOutcome, reads } from './command.js'
import { takesJson, takesServer, withExamples, type AnsweringOptions, type ReadingOptions } from './command.js'
import { plain } from './format.js'
import { idMeant, refuseShortened } from './meant.js'
import { read } from './reading.js'
import { renderTable, type Column, type Look } from './table.js'

export function addDefinitionCommands(program: Command): void {
  const group = reads(program.command('definitions').description('what services are: list, show, save, remove'))
  reads(group.command('list', { isDefault: true }).description('all definitions'))
    .allowExcessArguments()
    .action((options: ReadingOptions, command: Command) => {
      refuseOtherWords(command.args, group)
      return read(options, { ask: (client) => client.definitions(), field: 'definitions', show: table })
    })
  takesJson(takesServer(group.command('show').description('print one definition, as JSON')))
    .argument('<definition>', 'its id')
    .action(show)
  changes(group.command('save').description('save a definition; one of the same id is replaced'))
    .argument('<file>', 'YAML or JSON: a definition, or {"definition": …}; - reads standard input')
    .action(save)
  changes(group.command('remove').description('remove a definition')).argument('<definition>', 'its id').action(remove)
  withExamples(
    group,
    ['rollcall definitions', 'list them'],
    ['rollcall definitions save web.yaml', 'from a file'],
    ['rollcall definitions show web | rollcall definitions save - --server other:58231', 'copy one elsewhere'],
  )
}

/** To list is what is meant where no other command is; a word that is none was meant as one. */
function refuseOtherWords([word]: readonly string[], group: Command): void {
  if (word === undefined) return
  const names = group.commands.map((command) => command.name())
  const wayOut = didYouMean(word, names, `; there are ${names.join(', ')}`)
  throw new RegistryError('malformed', `there is no command definitions ${plain(word)}${wayOut}`)
}

function table({ definitions }: { readonly definitions: readonly Definition[] }, look: Look): string {
  return definitions.length === 0 ? 'no definitions' : renderTable(columns, definitions, look)
}

const columns: readonly Column<Definition>[] = [
  { head: 'ID', cell: ({ id }) => id, least: 16 },
  { head: 'IMAGE', cell: ({ image }) => textOf(image, 'name'), least: 16 },
  { head: 'REPOSITORY', cell: ({ repository }) => textOf(repository, 'url'), least: 16 },
]

function textOf(part: unknown, field: string): string | undefined {
  const value = (part as Readonly<Record<string, unknown>> | null | undefined)?.[field]
  return typeof value === 'string' ? value : undefined
}

async function show(id: string, options: AnsweringOptions): Promise<void> {
  const definitions = await definitionsOf(clientOf(options))
  const meantId = idMeant(id, definitions.map(idOf))
  const found = definitions.find((definition) => definition.id === meantId)
  if (found !== undefined) return printJson(found)
  throw new RegistryError('not-found', `there is no definition ${plain(id)}${didYouMean(id, definitions.map(idOf))}`)
}

async function definitionsOf(client: Client): Promise<readonly Definition[]> {
  const { definitions } = await answerOf(client, client.definitions(), 'definitions')
  return definitions
}

function idOf({ id }: Definition): string {
  return id
}

async function save(file: string, options: AnsweringOptions): Promise<void> {
  const definition = readDefinition(file)
  await clientOf(options).saveDefinition(definition)
  printOutcome(options, { id: definition.id }, `saved ${definition.id}`)
}

function readDefinition(file: string): Definition {
  // `process.stdin` would make a pipe one that does not wait for what comes.
  if (file === '-' && isatty(0)) process.stderr.write('reading the definition from the terminal; Ctrl-D ends it\n')
  const name = file === '-' ? 'stdin' : file
  const content = readStructured(readText(file === '-' ? 0 : file), name)
  const isWrapped = typeof content === 'object' && content !== null && 'definition' in content && !('id' in content)
  try {
    return parseDefinition(isWrapped ? content : { definition: content })
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause
    throw new RegistryError(cause.code, `${name}: ${cause.message}`, { cause })
  }
}

async function remove(id: string, options: AnsweringOptions): Promise<void> {
  const client = clientOf(options)
  refuseShortened(id, (await definitionsOf(client)).map(idOf), 'definition')
  await client.removeDefinition(id)
  printOutcome(options, { id }, `removed ${id}`)
}
