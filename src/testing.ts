/**
 * The door for the tests of programs that use a registry: one in memory, whose time the test tells.
 */
import './polyfill.js'
import { refuseUnknown } from './config/nearest.js'
import { RegistryError } from './core/model/errors.js'
import type { TestRegistry, TestRegistryOptions } from './testing/interface.js'
import { registryAt } from './testing/registry.js'
import { Services } from './testing/services.js'
import { World } from './testing/world.js'

export type { RegistryAtOnce } from './node/interface.js'
export type { Answering, TestNodeOptions, TestRegistry, TestRegistryOptions } from './testing/interface.js'
export type * from './client/register.js'
export { RegistryError, type ErrorCode } from './core/model/errors.js'
export type { Definition, InstanceStatus, PeerId, Registration } from './core/model/model.js'
export type { Diagnosis, Finding, FindingId, Severity } from './core/doctor/findings.js'
export type * from './core/survey/views.js'
export type * from './core/views.js'

/**
 * A registry for a test: a cluster of one node, alone in the memory of this program.
 * @example
 * import { createTestRegistry } from 'rollcall/testing'
 *
 * const registry = createTestRegistry() // give it to your program, as its Registry
 * const web = await registry.registerSelf({ slug: 'web', url: 'http://10.0.0.7:8080' })
 * registry.handle('http://10.0.0.7:8080', (request) => new Response(`hello from ${new URL(request.url).pathname}`))
 * console.log(await (await registry.call('web', '/orders/1')).text())
 * registry.kill(web.id) // its program crashes
 * console.log(registry.pick('web')) // undefined
 * await registry.advance('5s') // of its grace, in no time
 * console.log(registry.instances({ slug: 'web' }).instances.length) // 0
 * @throws RegistryError `malformed`, naming the option
 */
export function createTestRegistry(options: TestRegistryOptions = {}): TestRegistry {
  refuseUnknown(options, ['nodeId', 'url', 'region', 'zone', 'fetch'], 'option')
  const { fetch, ...node } = options
  if (fetch !== undefined && typeof fetch !== 'function')
    throw new RegistryError('malformed', 'fetch: must be a function like fetch')
  return registryAt(new World(new Services(fetch)), node)
}
