/**
 * Lends Node 20 the one newer function that the network stack needs. It is the first import of every entry point, and nothing
 * else. libp2p 3 (through it-queue, mortice and yamux) calls `Promise.withResolvers`, which Node has from version 22 on.
 */
if (typeof Promise.withResolvers !== 'function') {
  Promise.withResolvers = function withResolvers<T>(): PromiseWithResolvers<T> {
    let resolve!: PromiseWithResolvers<T>['resolve']
    let reject!: PromiseWithResolvers<T>['reject']
    const promise = new Promise<T>((onResolve, onReject) => {
      resolve = onResolve
      reject = onReject
    })
    return { promise, resolve, reject }
  }
}

export {}
