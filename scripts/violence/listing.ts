// What daemons of several versions list, in words that all of them have, and when they agree about it.
import { allEqual, allList, type RunningDaemon, until } from '../../test/daemon/cluster.js'

export interface Row {
  readonly id: string
  readonly slug?: string
  readonly url: string
  readonly status: string
  readonly n: number
  readonly nodeId?: string
  readonly maintenance?: string
  readonly reason?: string
}

export async function rowsOf(daemon: RunningDaemon): Promise<Row[]> {
  const { status, body } = await daemon.ask('/v1/instances')
  if (status >= 300) throw new Error(`${daemon.name}: ${status} ${body}`)
  return (JSON.parse(body) as { instances: Row[] }).instances.filter(({ reason }) => reason !== 'removed')
}

/** In words that both versions have. */
export async function listed(daemon: RunningDaemon): Promise<string> {
  const rows = (await rowsOf(daemon)).map(({ id, slug, url: at, status, n, nodeId, maintenance }) => ({
    ...{ id, slug, at, status, n, nodeId, maintenance },
  }))
  const definitions = (await daemon.definitions()).map(({ id }) => id)
  return JSON.stringify([rows.sort((a, b) => (a.id < b.id ? -1 : 1)), definitions.sort()])
}

/** Waits until all hold the same, list the same, and say so themselves. */
export async function inStep(daemons: readonly RunningDaemon[]): Promise<void> {
  await allList(
    daemons,
    daemons.map(({ name }) => name),
  )
  await allEqual(daemons)
  await until('all list the same', async () => new Set(await Promise.all(daemons.map(listed))).size === 1)
  await until('all say that they are in step', async () =>
    (await Promise.all(daemons.map((daemon) => daemon.peers()))).every(({ inStep: isInStep }) => isInStep),
  )
}
