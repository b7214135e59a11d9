/**
 * Metrics as the text that Prometheus reads, with those of the process beside them. Loaded when somebody asks first: most daemons are
 * never scraped.
 */
import { Registry, collectDefaultMetrics } from 'prom-client'
import { showMetrics } from './register.js'
import type { Metric } from './samples.js'

/** How exactly stalls of the event loop are seen; the library's default wakes an idle process a hundred times a second. */
const stallPrecision_ms = 100

/** @returns what writes them, as they are then */
export function expositionOf(metrics: readonly Metric[]): () => Promise<string> {
  const register = new Registry()
  showMetrics(metrics, register)
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: stallPrecision_ms })
  return () => register.metrics()
}
