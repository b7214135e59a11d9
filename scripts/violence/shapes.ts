// Registrations that say everything which can be said: to the version before lifetimes, to this one. Nothing listens where they point, on this machine.
export type Said = Readonly<Record<string, unknown>> & { readonly id: string }

export const urlAt = (port: number): string => `http://127.0.0.1:${port}`

/** All that a registration could say to the earlier version. */
export const earlierSaid: readonly Said[] = [
  { id: 'old-plain', slug: 'old', url: urlAt(11), check: 'none' },
  { id: 'old-tcp', slug: 'old', url: urlAt(12) },
  { id: 'old-http', slug: 'old', url: urlAt(13), check: 'http:/healthz', tags: ['a', 'b'], deploymentId: 'd1' },
  { id: 'old-parts', slug: 'old', scheme: 'http', host: 'old.test', port: 1004, path: '/api', check: 'none' },
]

/** Each field that this version has added, in every form. */
export const laterSaid: readonly Said[] = [
  { id: 'new-plain', slug: 'new', url: urlAt(21), check: 'none' },
  { id: 'new-ttl', slug: 'new', url: urlAt(22), check: 'none', ttl: '10m', grace: '2s', draining: false },
  { id: 'new-deregister', slug: 'new', url: urlAt(23), check: 'none', deregisterAfter: '10m' },
  {
    ...{ id: 'new-traits', slug: 'new', url: urlAt(24), check: 'none' },
    ...{ metadata: { team: 'blue', é: 'ü' }, ports: { http: 24, metrics: 9464 }, weight: 0 },
    ...{ version: '1.4.2', zone: 'eu-1', tags: ['a'] },
  },
  { id: 'new-check-tcp', slug: 'new', url: urlAt(25), check: { tcp: {}, interval: '1h', keepOpen: true } },
  {
    ...{ id: 'new-check-http', slug: 'new', url: urlAt(26) },
    check: {
      http: { path: '/h', method: 'HEAD', statuses: ['200-299', '404'], headers: { 'x-probe': 'secret' } },
      ...{ tls: { verify: false, serverName: 'me' }, interval: '1h', timeout: '1s', startPeriod: '1m' },
      ...{ failureThreshold: 3, successThreshold: 2 },
    },
  },
  { id: 'new-check-grpc', slug: 'new', url: urlAt(27), check: { grpc: { service: 'a.B' }, interval: '1h' } },
  { id: 'new-check-reported', slug: 'new', url: urlAt(28), check: { reported: {} } },
  { id: 'new-check-short', slug: 'new', url: urlAt(29), check: 'reported' },
  { id: 'new-check-none', slug: 'new', url: urlAt(30), check: { none: {} } },
]
