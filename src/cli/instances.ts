/**
 * The commands about instances: list, look up, register, deregister. What is visible is the daemon's decision alone.
 */
import type { Command } from 'commander'
import type { InstanceRow, InstanceView } from '../core/views.js'
import {
  clientOf,
  printJson,
  printLines,
  reads,
  takesServer,
  terminalWidth,
  type ReadingOptions,
  type ServerOptions,
} from './command.js'
import { ageOf, formatAgo, renderTable, type Column } from './format.js'

export function addInstanceCommands(program: Command): void {
  reads(program.command('instances').description('the instances that lookups can see'))
    .option('--slug <slug>', 'only those of one service')
    .option('--all', 'every record that the daemon knows, and why those not visible are not')
    .action(showInstances)
  reads(program.command('lookup').description('where a service is, and which instance to call'))
    .argument('<slug>')
    .action(lookUp)
  takesServer(program.command('register').description('register an instance; again with the same url updates it'))
    .requiredOption('--url <url>', 'where the instance is called')
    .option('--slug <slug>', 'the name that callers look it up by')
    .option('--id <id>', 'default: derived from slug and url')
    .option('--deployment-id <id>', 'the deployment that it belongs to')
    .option('--tag <tag...>', 'tags to find it by')
    .action(register)
  takesServer(program.command('deregister').description('remove an instance, wherever it was registered'))
    .argument('<id>')
    .action(deregister)
}

interface InstancesOptions extends ReadingOptions {
  readonly slug?: string
  readonly all?: true
}

async function showInstances(options: InstancesOptions): Promise<void> {
  const client = clientOf(options)
  const query = options.slug === undefined ? {} : { slug: options.slug }
  if (options.all) {
    const answer = await client.instanceRows(query)
    return options.json ? printJson(answer) : printTable([...instanceColumns, ...recordColumns], answer.instances)
  }
  const answer = await client.instances(query)
  return options.json ? printJson(answer) : printTable(instanceColumns, answer.instances)
}

function printTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
  printLines(rows.length === 0 ? 'no instances' : renderTable(columns, rows, terminalWidth()))
}

const instanceColumns: readonly Column<InstanceView>[] = [
  { head: 'ID', cell: ({ id }) => id, shrinks: true },
  { head: 'SLUG', cell: ({ slug }) => slug },
  { head: 'URL', cell: ({ url }) => url, shrinks: true },
  { head: 'STATUS', cell: ({ status }) => status },
  { head: 'SEEN', cell: ({ lastHeartbeat }) => formatAgo(ageOf(lastHeartbeat)) },
  { head: 'NODE', cell: ({ nodeUrl }) => nodeUrl, shrinks: true },
  { head: 'DEPLOYMENT', cell: ({ deploymentId }) => deploymentId, shrinks: true },
  { head: 'TAGS', cell: ({ tags }) => tags?.join(' '), shrinks: true },
]

const recordColumns: readonly Column<InstanceRow>[] = [
  { head: 'OWNER', cell: ({ nodeId, owner }) => nodeId ?? owner, shrinks: true },
  { head: 'NUMBER', cell: ({ n }) => String(n) },
  { head: 'VISIBLE', cell: ({ visible, why }) => (visible ? 'yes' : `no: ${why ?? 'unknown why'}`) },
]

async function lookUp(slug: string, options: ReadingOptions): Promise<void> {
  const answer = await clientOf(options).lookup(slug)
  if (options.json) return printJson(answer)
  const isPicked: Column<InstanceView> = {
    head: 'PICK',
    cell: ({ id }) => (id === answer.picked?.id ? '*' : undefined),
  }
  printTable([isPicked, ...instanceColumns], answer.instances)
  if (answer.degraded) {
    printLines('', 'degraded: this daemon has lost sight of most of the cluster; these are the last known instances')
  }
}

interface RegisterOptions extends ServerOptions {
  readonly url: string
  readonly slug?: string
  readonly id?: string
  readonly deploymentId?: string
  readonly tag?: readonly string[]
}

async function register({ server, tag, ...given }: RegisterOptions): Promise<void> {
  const client = clientOf(server === undefined ? {} : { server })
  const { id } = await client.register({ ...given, ...(tag === undefined ? {} : { tags: tag }) })
  printLines(`registered ${id}`)
}

async function deregister(id: string, options: ServerOptions): Promise<void> {
  await clientOf(options).deregister(id)
  printLines(`removed ${id}`)
}
