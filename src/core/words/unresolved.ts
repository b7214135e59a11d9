/**
 * How it is said of an instance that this machine could not find out what its name stands for. That is said in its details, which every
 * node is told: who makes the sentence and who reads it do so here.
 */
const saying = 'this machine could not resolve '

export function unresolvedDetails(name: string, why: string): string {
  return `${saying}${name} ${why}`
}

export function isUnresolved(details: string | undefined): boolean {
  return details?.startsWith(saying) === true
}
