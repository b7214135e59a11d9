/**
 * What can be found wrong with a cluster, in the shape in which it is told.
 */
export const severities = ['error', 'warning', 'note'] as const
export type Severity = (typeof severities)[number]

/** In the order in which they are looked at: what explains others comes first. */
export const findingIds = [
  'clone',
  'wrong-key',
  'in-doubt',
  'disk-refuses',
  'not-ready',
  'node-gone',
  'seen-differently',
  'one-way-link',
  'link-failing',
  'divergence',
  'node-silent',
  'other-cluster',
  'seed-unreachable',
  'mdns-trouble',
  'no-room',
  'records-odd',
  'disk-slow',
  'churn',
  'document-large',
  'document-bloat',
  'label-twice',
  'url-twice',
  'address-unreachable',
  'clock-skew',
  'nothing-to-pick',
  'instance-loopback',
  'url-unreachable',
  'name-unresolved',
  'checks-failing',
  'messages-dropped',
  'versions-mixed',
  'draining',
  'no-dns-name',
  'not-asked',
] as const
export type FindingId = (typeof findingIds)[number]

/** One thing that is wrong, or worth knowing. Each text is one sentence, for people. */
export interface Finding {
  /** Always the same for the same kind of thing. */
  readonly id: FindingId
  readonly severity: Severity
  /** What was seen. */
  readonly what: string
  /** What follows from it. */
  readonly meaning: string
  /** What to do, with the command. */
  readonly remedy: string
  /** Nodes, slugs, instances, places: what it is about, at most `aboutAtMost` of them. */
  readonly about: readonly string[]
}

export interface Diagnosis {
  /** RFC 3339. */
  readonly at: string
  /** The node that was asked: all is as it sees it, with what its peers told. */
  readonly by: string
  /** How many nodes answered, itself included, of those that are known, which have not said goodbye. */
  readonly answered: number
  readonly nodes: number
  /** So many of those live and were not asked, as this node is connected with others; absent: none, or an earlier version. */
  readonly notAsked?: number
  /** Errors first. */
  readonly findings: readonly Finding[]
}

export const aboutAtMost = 64
const namedAtMost = 6

/** `a, b, c, and 4 more`. */
export function named(names: readonly string[], most = namedAtMost): string {
  if (names.length <= most) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`
}

/** For people, to the second. */
export function lasting(ms: number): string {
  const s = Math.round(ms / 1000)
  if (s < 120) return `${s} s`
  if (s < 7200) return `${Math.round(s / 60)} min`
  return s < 172_800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86_400)} days`
}

/** Whether something is wrong: a note is not. */
export function isWrong({ severity }: Pick<Finding, 'severity'>): boolean {
  return severity !== 'note'
}
