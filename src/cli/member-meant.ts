/**
 * Which node is meant by what somebody typed: its id, its url, its peer id, or one of these as tables shorten it.
 */
import type { Client } from '../client.js'
import { didYouMean } from '../config/nearest.js'
import { RegistryError } from '../core/model/errors.js'
import type { MemberView } from '../core/views.js'
import { nameOf } from './cluster.js'
import { answerOf } from './command.js'
import { plain } from './format.js'
import { idMeant, refuseShortened } from './meant.js'

export const whichNode = 'its id, url or peer id, also as tables shorten them'

/** @throws RegistryError `not-found`, saying who may be meant; `conflict` where several are, or may be */
export async function memberMeant(client: Client, asked: string): Promise<MemberView> {
  const { members } = await answerOf(client, client.members(), 'members')
  return member(asked, members, idMeant(asked, namesOf(members)))
}

/** For what cannot be taken back. @throws RegistryError as `memberMeant`, also where it is shortened */
export async function memberNamed(client: Client, asked: string): Promise<MemberView> {
  const { members } = await answerOf(client, client.members(), 'members')
  refuseShortened(asked, namesOf(members), 'node')
  // Who asks for one that is gone already is not led to one that is there.
  return member(asked, members, asked, `; it is forgotten already, or was never one: nothing is guessed here.`)
}

function member(asked: string, members: readonly MemberView[], name = asked, otherwise?: string): MemberView {
  const found = members.filter(({ peer, nodeId, url }) => [peer, nodeId, url].includes(name))
  const [first, second] = found
  if (first !== undefined && second === undefined) return first
  if (first !== undefined) {
    const which = found.map(({ peer, state }) => `${peer} (${state})`).join(', ')
    throw new RegistryError('conflict', `several nodes are called ${plain(asked)}: name one by its peer id: ${which}`)
  }
  const names = members.flatMap((one) => [nameOf(one), one.peer, ...(one.url === undefined ? [] : [one.url])])
  const wayOut = otherwise ?? didYouMean(asked, names, '.')
  throw new RegistryError('not-found', `there is no node ${plain(asked)}${wayOut} See rollcall members`)
}

function namesOf(members: readonly MemberView[]): readonly string[] {
  return members.flatMap(({ peer, nodeId, url }) => [peer, nodeId, url]).filter((name) => name !== undefined)
}
