/**
 * The commands that read instances: list, look up, pick. What is visible is the daemon's decision alone.
 */
import { Option, type Command } from 'commander'
import type { Client, InstanceQuery, Lookup } from '../client.js'
import { checkInWords } from '../core/model/check.js'
import { RegistryError } from '../core/model/errors.js'
import { instanceStatuses } from '../core/model/model.js'
import { shellWord } from '../core/words/shell.js'
import { viewOfRow } from '../core/shown.js'
import type { InstanceRow, InstanceView, LookupResult } from '../core/views.js'
import { type ChoiceOptions, choiceOf, takesChoice } from './call.js'
import { clientOf, answerOf, printJson, printLines, reads, takesJson, takesServer, withExamples } from './command.js'
import type { AnsweringOptions, ReadingOptions } from './command.js'
import { daemonNow } from './daemon-clock.js'
import { ageOf, formatAgo, plain } from './format.js'
import { lifetimeInWords } from './lifetime.js'
import { idMeant, knownIds } from './meant.js'
import { memberMeant, whichNode } from './member-meant.js'
import { toneOf } from './paint.js'
import { collectPairs } from './pairs.js'
import { read } from './reading.js'
import { rememberedOf } from './remembered.js'
import { renderTable, type Column, type Look } from './table.js'

export function addInstanceCommands(program: Command): void {
  addList(program)
  withExamples(
    reads(program.command('lookup').description('where a service is, and which instance to call'))
      .argument('<slug>', 'the name of the service')
      .action(lookUp),
    ['rollcall lookup web', 'all that can be called'],
    ['rollcall lookup web -w', 'see them come and go'],
  )
  withExamples(
    takesChoice(
      takesJson(takesServer(program.command('pick').description('print the url of one instance, for scripts'))),
    )
      .argument('<slug>', 'the name of the service')
      .option('--exclude <id...>', 'none of these')
      .option('--max-age <duration>', 'rather none than by a truth that may be older, such as 2s')
      .action(pick),
    ['curl "$(rollcall pick web)/healthz"', 'each call gets the next one'],
    ['rollcall pick web --strategy hash --key user-17', 'always the same one for the same user'],
  )
}

interface ListOptions extends ReadingOptions, InstanceQuery {
  readonly node?: string
  readonly all?: true
}

function addList(program: Command): void {
  const command = reads(program.command('instances').description('the instances that lookups can see'))
    .option('--all', 'every record that the daemon knows, and why those not visible are not')
    .option('--slug <slug>', 'only those of one service')
    .option('--tag <tag...>', 'only those with this tag, or with all of these')
    .addOption(new Option('--status <status>', 'only those with this status').choices(instanceStatuses))
    .option('--node <node>', `only those registered at one node (${whichNode})`)
    .option('--deployment-id <id>', 'only those of one deployment')
    .option('--host <host>', 'only those on one host')
    .option('--ip <ip>', 'only those at one address')
    .option('--scheme <scheme>', 'only those called by one scheme, such as grpc')
    .option('--id <id>', 'only this one, also as tables shorten it')
    .option('--service-version <version>', 'only those of one version of the service')
    .option('--zone <zone>', 'only those in one zone')
    .option('--metadata <key=value...>', 'only those that say all of this', collectPairs)
    .action(list)
  withExamples(
    command,
    ['rollcall instances --slug web --status Healthy', 'filters add up'],
    ['rollcall instances --all', 'also what is not visible, and why'],
    [`rollcall instances --json | jq -r '.instances[].url'`, 'their urls'],
  )
}

const filters = [
  'slug',
  'tag',
  'status',
  'node',
  'deploymentId',
  'host',
  'ip',
  'scheme',
  'id',
  'serviceVersion',
  'zone',
  'metadata',
]

async function list(options: ListOptions): Promise<void> {
  const ask = async (client: Client): Promise<Listed> => {
    const query = await queryOf(client, options)
    const asked = async (query: InstanceQuery): Promise<Listed> => {
      const rows = await answerOf(client, client.instanceRows(query), 'instances')
      return options.all ? rows : { ...rows, instances: rows.instances.filter(isListed).map(viewOfRow) }
    }
    const answer = await asked(query)
    if (query.id === undefined || answer.instances.length > 0) return answer
    const id = idMeant(query.id, await knownIds(client))
    return id === undefined || id === query.id ? answer : asked({ ...query, id })
  }
  const isFiltered = Object.keys(options).some((name) => filters.includes(name))
  const none = isFiltered
    ? 'no such instances'
    : 'no instances; to register one: rollcall register --url URL --slug NAME'
  const show = ({ instances }: Listed, look: Look): string => {
    const shared: readonly Column<InstanceView>[] = [...instanceColumns, ...traitsIn(instances)]
    const columns = options.all ? [...shared, ...recordColumns] : shared
    return instances.length === 0 ? none : renderTable(columns as readonly Column<InstanceView>[], instances, look)
  }
  await read(options, { ask, field: 'instances', show })
}

/** As in lookups, in doubt too: the call of published clients lists the same, without what those do not know. */
function isListed({ visible, degraded }: InstanceRow): boolean {
  return visible || degraded === true
}

interface Listed {
  readonly instances: readonly InstanceView[]
}

async function queryOf(client: Client, options: ListOptions): Promise<InstanceQuery> {
  const given = Object.fromEntries(Object.entries(options).filter(([name]) => filters.includes(name)))
  const { node, serviceVersion: version, ...rest } = given
  const others = { ...rest, ...(version !== undefined && { version: version as string }) }
  return node === undefined ? others : { ...others, nodeUrl: await urlOfNode(client, node as string) }
}

/** Instances name their node by url; people know its id. */
async function urlOfNode(client: Client, node: string): Promise<string> {
  if (node.includes('://')) return node
  const { url } = await memberMeant(client, node)
  if (url !== undefined) return url
  throw new RegistryError('conflict', `--node: ${plain(node)} has told no url yet; see rollcall members`)
}

const instanceColumns: readonly Column<InstanceView>[] = [
  { head: 'ID', cell: ({ id }) => id, least: 14 },
  { head: 'SLUG', cell: ({ slug }) => slug, least: 14 },
  { head: 'URL', cell: ({ url }) => url, least: 28 },
  { head: 'STATUS', cell: ({ status }) => status, tone: ({ status }) => toneOf(status) },
  { head: 'SEEN', cell: ({ lastHeartbeat }) => formatAgo(ageOf(lastHeartbeat, daemonNow())), drop: 6 },
  { head: 'NODE', cell: ({ nodeUrl }) => nodeUrl, least: 24, drop: 4 },
  { head: 'DEPLOYMENT', cell: ({ deploymentId }) => deploymentId, least: 12, drop: 1 },
  { head: 'TAGS', cell: ({ tags }) => tags?.join(' '), least: 12, drop: 2 },
]

/** Shown where one of the list has it. */
const traitColumns: readonly Column<InstanceView>[] = [
  { head: 'WEIGHT', cell: ({ weight }) => weight?.toString(), drop: 3 },
  { head: 'VERSION', cell: ({ version }) => version, least: 10, drop: 3 },
  { head: 'ZONE', cell: ({ zone }) => zone, least: 8, drop: 2 },
  { head: 'PORTS', cell: ({ ports }) => pairs(ports), least: 14, drop: 2 },
  { head: 'METADATA', cell: ({ metadata }) => pairs(metadata), least: 14, drop: 1 },
]

function pairs(given: Readonly<Record<string, string | number>> | undefined): string | undefined {
  if (given === undefined) return undefined
  return Object.entries(given)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

function traitsIn(instances: readonly InstanceView[]): readonly Column<InstanceView>[] {
  return traitColumns.filter(({ cell }) => instances.some((one) => cell(one) !== undefined))
}

const recordColumns: readonly Column<InstanceRow>[] = [
  { head: 'OWNER', cell: ({ nodeId, owner }) => nodeId ?? owner, least: 18, drop: 7 },
  { head: 'NUMBER', cell: ({ n }) => String(n), drop: 3 },
  { head: 'LIFETIME', cell: (row) => lifetimeInWords(row), least: 12, drop: 2 },
  { head: 'CHECK', cell: ({ check }) => checkInWords(check), least: 12, drop: 5 },
  {
    head: 'VISIBLE',
    cell: ({ visible, degraded, why }) =>
      visible ? 'yes' : `${degraded === true ? 'as degraded' : 'no'}: ${why ?? 'unknown why'}`,
    least: 16,
    tone: ({ visible }) => toneOf(visible ? 'yes' : 'no'),
  },
]

async function lookUp(slug: string, options: ReadingOptions): Promise<void> {
  await read(options, { ask: (client) => lookupAt(client, slug), field: 'instances', show: showLookup })
}

/** @throws RegistryError `not-found` */
async function lookupAt(client: Client, slug: string): Promise<Lookup> {
  const found = await client.lookup(slug)
  if (found !== undefined) return found
  const wayOut = (await rememberedOf(client, slug)) ?? 'all that is registered: rollcall instances --all'
  throw new RegistryError('not-found', `slug: nothing is registered as ${JSON.stringify(slug)}; ${wayOut}`)
}

function showLookup({ slug, instances, picked, degraded }: LookupResult, look: Look): string {
  const isPicked: Column<InstanceView> = { head: 'PICK', cell: ({ id }) => (id === picked?.id ? '*' : undefined) }
  const none = `${plain(slug)} is known, but no instance of it is visible; ask: rollcall why ${shellWord(slug)}`
  const doubt = 'degraded: this daemon has lost sight of most of the cluster; these are the last known instances'
  return [
    instances.length === 0
      ? none
      : renderTable([isPicked, ...instanceColumns, ...traitsIn(instances)], instances, look),
    ...(degraded ? ['', look.paint('warn', doubt)] : []),
  ].join('\n')
}

interface PickingOptions extends AnsweringOptions, ChoiceOptions {
  readonly exclude?: readonly string[]
  readonly maxAge?: string
}

async function pick(slug: string, options: PickingOptions): Promise<void> {
  const client = clientOf(options)
  const { tag, metadata, port, exclude, maxAge } = options
  const asked = { ...choiceOf(options), exclude, maxAge }
  const { picked } = await answerOf(client, client.pickOnce(slug, asked), 'degraded')
  if (picked === undefined) {
    const isAsking = [tag, metadata, port, exclude].some((one) => one !== undefined)
    throw new RegistryError(
      'not-found',
      `slug: no instance of ${slug}${isAsking ? ' that is as asked for' : ''} can be called; ask: rollcall why ${shellWord(slug)}`,
    )
  }
  if (options.json) printJson(picked)
  else printLines(picked.url)
}
