/**
 * The public door of the package: a node for this program, a client for a daemon elsewhere, with the types of what they give.
 */
import './polyfill.js'

export { createNode } from './node.js'
export type { RegistryAtOnce, RollcallNode } from './node/interface.js'
export type { NodeEvents } from './node/events.js'
export type { MetricsOptions, MetricsRegister } from './metrics/register.js'
export type { Keeping, NodeOptions, NodeSettings } from './node/settings.js'
export type { LentLog, LogLevel } from './config/logger.js'
export { createClient, isUnreachable } from './client.js'
export type { Client, ClientOptions, EventsQuery } from './client.js'
export type * from './client/register.js'
export { generateClusterKey } from './io/network/clusterkey.js'
export { RegistryError, type ErrorCode } from './core/model/errors.js'
export type { Definition, InstanceStatus, PeerId, Registration } from './core/model/model.js'
export type { Diagnosis, Finding, FindingId, Severity } from './core/doctor/findings.js'
export type * from './core/survey/views.js'
export type * from './core/views.js'
