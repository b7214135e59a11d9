/**
 * Which names can stand in the DNS: what is to be found there is one label of letters, digits, dashes within.
 */

/** RFC 1035, 2.3.1, with RFC 1123, 2.1. Other scripts have no lower case that every resolver agrees upon. */
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i

/**
 * The label by which a slug, a tag or the id of a node is found in the DNS, where case does not count: slugs that differ in nothing
 * else share one.
 * @returns undefined where it has none
 */
export function dnsNameOf(text: string): string | undefined {
  return label.test(text) ? text.toLowerCase() : undefined
}

/** What to say of a slug that cannot be found in the DNS; undefined where it can. */
export function warningOfDnsName(slug: string): string | undefined {
  if (dnsNameOf(slug) !== undefined) return undefined
  const wayOut = 'letters, digits, dashes between them, 63 at the most, make one that can'
  return `slug: ${JSON.stringify(slug)} has no name in the DNS, so that it is found by lookup and pick alone; ${wayOut}`
}
