/**
 * What is said to somebody who has registered what others cannot call. Where the daemon does not tell who they are, nothing.
 */
import type { Client } from '../client.js'
import { otherMembers, warningOfReach } from '../config/reach.js'
import { isOfItsNode } from '../core/model/url.js'

export async function reachWarning(client: Client, url: string): Promise<string | undefined> {
  if (!isOfItsNode(url)) return undefined
  try {
    const { members } = await client.members()
    return warningOfReach(url, otherMembers(members))
  } catch {
    return undefined
  }
}
