/**
 * Says on the terminal what is being waited for, once it takes longer than people like to wait without a word. Programs hear nothing.
 */

const quiet_ms = 1000

export interface Teletype {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** What `work` gives. While it is under way the words stand on the last line of the terminal; then they are wiped away. */
export async function saying<T>(words: string, work: Promise<T>, out: Teletype = process.stderr): Promise<T> {
  let isShown = false
  const timer = setTimeout(() => {
    if (out.isTTY !== true) return
    isShown = true
    out.write(`\r\u001b[K${words}…`)
  }, quiet_ms)
  try {
    return await work
  } finally {
    clearTimeout(timer)
    if (isShown) out.write('\r\u001b[K')
  }
}
