/**
 * Which id is meant by what somebody typed: a whole one, one with its middle left out as tables show it, or its beginning.
 */
import type { Client } from '../client.js'
import { RegistryError } from '../core/model/errors.js'
import { answerOf } from './command.js'
import { plain } from './format.js'

/** What tables put where they leave something out, and what people type for it. */
const mark = /…|\.\.\./
/** So many of the characters that were drawn at random have to be there. */
const drawn = 4

/**
 * @returns undefined where nothing is meant
 * @throws RegistryError `conflict` where several may be
 */
export function idMeant(asked: string, known: readonly string[]): string | undefined {
  if (known.includes(asked)) return asked
  const found = candidates(asked, known)
  if (found.length < 2) return found[0]
  throw new RegistryError(
    'conflict',
    `${plain(asked)} may be several: ${listed(found)}; type more of the one that is meant`,
  )
}

function candidates(asked: string, known: readonly string[]): readonly string[] {
  return [...new Set(known)].filter((id) => (mark.test(asked) ? hasEnds(id, asked) : isBegunBy(id, asked)))
}

function listed(ids: readonly string[]): string {
  return ids.slice(0, 5).map(plain).join(', ')
}

function hasEnds(id: string, asked: string): boolean {
  const [head = '', tail = ''] = asked.split(mark)
  return head + tail !== '' && id.length > head.length + tail.length && id.startsWith(head) && id.endsWith(tail)
}

/**
 * A beginning counts where it reaches into what was drawn at random: an id that was made up, or a peer id. `web-1` is no beginning
 * of `web-10`: who removes an instance that is gone already must not remove another one.
 */
function isBegunBy(id: string, asked: string): boolean {
  if (!id.startsWith(asked)) return false
  const random = /[0-9a-f]{8,}$|(?<=^12D3KooW)\w+$|(?<=^node_)\w{12}$/.exec(id)
  return random !== null && asked.length >= random.index + drawn
}

/**
 * What is gone for good is named whole: nothing is guessed there. The refusal names what a shortened one may stand for.
 * @param what such as `instance`
 * @throws RegistryError `not-found`; nothing where it is no shortened one either
 */
export function refuseShortened(asked: string, known: readonly string[], what: string): void {
  const found = known.includes(asked) ? [] : candidates(asked, known)
  if (found.length === 0) return
  const whole = `what is removed is named whole: ${listed(found)}`
  throw new RegistryError('not-found', `there is no ${what} ${plain(asked)}; ${whole}`)
}

/** The removal of an instance, by its whole id. */
export async function ofWholeId(client: Client, asked: string, act: (id: string) => Promise<void>): Promise<void> {
  try {
    await act(asked)
  } catch (error) {
    if (!isNotFound(error)) throw error
    refuseShortened(asked, await knownIds(client), 'instance')
    throw error
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof RegistryError && error.code === 'not-found'
}

/** Those of every record, visible or not. */
export async function knownIds(client: Client): Promise<readonly string[]> {
  const { instances } = await answerOf(client, client.instanceRows(), 'instances')
  return instances.filter(({ reason }) => reason !== 'removed').map(({ id }) => id)
}

/**
 * Does something to the instance that is meant. Ids that are whole cost no further question.
 * @returns its whole id
 */
export async function toInstance(
  client: Client,
  asked: string,
  act: (id: string) => Promise<unknown>,
): Promise<string> {
  try {
    await act(asked)
    return asked
  } catch (error) {
    if (!isNotFound(error)) throw error
    const id = idMeant(asked, await knownIds(client))
    if (id === undefined || id === asked) throw error
    await act(id)
    return id
  }
}
