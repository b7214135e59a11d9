/**
 * What Prometheus asks, as the OpenAPI document describes it.
 */
import * as json from '../json-schema.js'
import { describe } from '../operation.js'
import { ownFilters } from './own.js'

export const getMetrics = describe({
  id: 'getMetrics',
  tag: 'health',
  summary: 'The metrics of this daemon, as Prometheus reads them',
  description: 'Needs a token that may `read`, where tokens are asked for; the listener of `--metrics` asks for none.',
  answers: {
    200: {
      description: 'The text format, version 0.0.4',
      schema: json.string(),
      mediaType: 'text/plain',
      examples: { ready: '# TYPE rollcall_ready gauge\nrollcall_ready 1\n' },
    },
  },
})

const Target = json.object({
  targets: json.array(json.string({ description: 'HOST:PORT' })),
  labels: json.record(json.string()),
})

export const listTargets = describe({
  id: 'listPrometheusTargets',
  tag: 'instances',
  summary: 'Every visible instance as a target of Prometheus',
  description: `For \`http_sd_configs\`. The sick ones too, since what is not scraped is not alerted on. An instance says where its metrics are
by \`metricsPath\` in its metadata, such as \`/metrics?format=prometheus\`; else that of the scrape config counts. While this node is not ready, or in doubt, the answer is a
503, and Prometheus keeps what it had.`,
  query: {
    ...ownFilters,
    properties: {
      ...ownFilters.properties,
      port: json.string({
        description: 'the name of the port to scrape; those without it are left out',
        examples: ['metrics'],
      }),
    },
  },
  answers: {
    200: {
      description: 'One group for each instance; `[]` where there is none',
      schema: json.array(Target),
      examples: {
        one: [
          {
            targets: ['10.0.0.7:9090'],
            labels: {
              __scheme__: 'http',
              __meta_rollcall_id: 'inst_5d8a7f1e02b96c3d4e5f',
              __meta_rollcall_slug: 'web',
              __meta_rollcall_status: 'Healthy',
              __meta_rollcall_tags: ',blue,',
              __meta_rollcall_node: 'abc',
            },
          },
        ],
        none: [],
      },
    },
  },
  failures: [400],
})
