/**
 * Tells a listener of the program that uses this client. What it throws is the program's own trouble, which it hears of like of any other
 * that nobody catches; who tells goes on.
 */
export function told(tell: () => void): void {
  try {
    tell()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
