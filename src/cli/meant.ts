/**
 * Which id is meant by what somebody typed: a whole one, one with its middle left out as tables show it, or its beginning.
 */
import type { Client } from '../client.js'
import { RegistryError } from '../core/errors.js'
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
  const found = [...new Set(known)].filter((id) => (mark.test(asked) ? hasEnds(id, asked) : isBegunBy(id, asked)))
  if (found.length < 2) return found[0]
  const list = found.slice(0, 5).map(plain).join(', ')
  throw new RegistryError('conflict', `${plain(asked)} may be several: ${list}; type more of the one that is meant`)
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
 * Does something to the instance that is meant. Ids that are whole cost no further question.
 * @returns its whole id
 */
export async function toInstance(client: Client, asked: string, act: (id: string) => Promise<void>): Promise<string> {
  try {
    await act(asked)
    return asked
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'not-found') throw error
    const { instances } = await answerOf(client, client.instanceRows(), 'instances')
    const ids = instances.filter(({ reason }) => reason !== 'removed').map(({ id }) => id)
    const id = idMeant(asked, ids)
    if (id === undefined) throw error
    await act(id)
    return id
  }
}
