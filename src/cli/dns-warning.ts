/**
 * What is said to somebody who has registered what the DNS of the daemon cannot name. Where that answers none, nothing.
 */
import type { Client } from '../client.js'
import { warningOfDnsName } from '../core/model/dns-name.js'

export async function dnsWarning(client: Pick<Client, 'self'>, slug: string | undefined): Promise<string | undefined> {
  const warning = slug === undefined ? undefined : warningOfDnsName(slug)
  if (warning === undefined) return undefined
  try {
    const { dns } = await client.self()
    return dns === undefined ? undefined : warning
  } catch {
    return undefined
  }
}
