/**
 * Lets whatever waits in this process have its turn, also while the timers of a test stand still.
 */
import { MessageChannel } from 'node:worker_threads'

/** Neither Vitest nor Jest has a stand-in for messages, whatever timers they replace. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.once('message', () => {
      port1.close()
      resolve()
    })
    port2.postMessage(undefined)
  })
}
