// Says on stderr what is going on, for people who wait.

const begun = performance.now()

export function progress(what: string): void {
  const seconds = ((performance.now() - begun) / 1000).toFixed(0).padStart(4)
  process.stderr.write(`${seconds} s  ${what}\n`)
}
