// The alerts and the dashboard that people are given: each alert is told by what it is for, and not by what looks like it; what is
// queried is what a node shows.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { expect, test } from 'vitest'
import { silentMetrics } from './metered.js'
import { programHere } from '../programs.js'

const rulesFile = fileURLToPath(new URL('../../scripts/deploy/alerts.yml', import.meta.url))
const rules = readFileSync(rulesFile, 'utf8')
const dashboard = readFileSync(new URL('../../scripts/deploy/grafana.json', import.meta.url), 'utf8')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const { groups } = parse(rules) as { groups: readonly { readonly rules: readonly Rule[] }[] }
const alerts = groups.flatMap((group) => group.rules)

/** Samples come every 15 s; `1x20` is one value more often, `0+1x20` one that grows. */
interface Fault {
  readonly series: Readonly<Record<string, string>>
  /** When it has not been told yet, and when it has. */
  readonly quiet: string
  readonly told: string
  /** Of the alert, and of no other. */
  readonly labels: string
}

const commits = (instance: string, below: number): Record<string, string> => ({
  [`rollcall_commit_duration_seconds_bucket{instance="${instance}",le="0.25"}`]: `0+${below}x80`,
  [`rollcall_commit_duration_seconds_bucket{instance="${instance}",le="0.5"}`]: '0+10x80',
  [`rollcall_commit_duration_seconds_bucket{instance="${instance}",le="+Inf"}`]: '0+10x80',
})

const faults: Readonly<Record<string, Fault>> = {
  RollcallNotReady: {
    series: { 'rollcall_ready{instance="a"}': '1 0x40', 'rollcall_ready{instance="b"}': '0x4 1x40' },
    ...{ quiet: '90s', told: '4m', labels: 'instance="a"' },
  },
  RollcallInDoubt: {
    series: { 'rollcall_in_doubt{instance="a"}': '0 1x20', 'rollcall_in_doubt{instance="b"}': '1 0x20' },
    ...{ quiet: '15s', told: '2m', labels: 'instance="a"' },
  },
  RollcallMembersMissing: {
    series: {
      'rollcall_members{instance="a",state="hidden"}': '0 1 0x40',
      'rollcall_members{instance="a",state="left"}': '3x40',
      'rollcall_members{instance="a",state="dead"}': '0 2x40',
      'rollcall_members{instance="b",state="dead"}': '0 1x40',
    },
    ...{ quiet: '1m', told: '4m', labels: 'state="dead"' },
  },
  RollcallOutOfStep: {
    series: {
      'rollcall_members_out_of_step_seconds{instance="a"}': '0 0 15+15x20',
      'rollcall_members_out_of_step_seconds{instance="b"}': '0 5 0 12 0 5 0x20',
    },
    ...{ quiet: '30s', told: '2m', labels: 'instance="a"' },
  },
  RollcallServiceUnavailable: {
    series: {
      'rollcall_services{instance="a",slug="web",availability="none"}': '0 1x20',
      'rollcall_services{instance="a",slug="api",availability="none"}': '0x20',
      'rollcall_services{instance="a",slug="api",availability="some"}': '1x20',
    },
    ...{ quiet: '30s', told: '3m', labels: 'slug="web"' },
  },
  RollcallMembersFlapping: {
    series: {
      'rollcall_member_hidings_total{instance="a",outcome="refuted"}': '0x4 4x40',
      'rollcall_member_hidings_total{instance="b",outcome="refuted"}': '0x4 1x40',
      'rollcall_member_hidings_total{instance="b",outcome="confirmed"}': '0x4 9x40',
    },
    ...{ quiet: '45s', told: '5m', labels: 'instance="a"' },
  },
  RollcallCommitsSlow: {
    series: { ...commits('a', 9), ...commits('b', 10) },
    ...{ quiet: '2m', told: '12m', labels: 'instance="a"' },
  },
  RollcallWritesRejected: {
    series: {
      'rollcall_writes_rejected_total{instance="a",reason="disk"}': '0 0 1x20',
      'rollcall_writes_rejected_total{instance="a",reason="malformed"}': '0 0 9x20',
      'rollcall_writes_rejected_total{instance="a",reason="joining"}': '0 0 9x20',
    },
    ...{ quiet: '15s', told: '1m', labels: 'instance="a",reason="disk"' },
  },
  RollcallHandshakesFail: {
    series: {
      'rollcall_handshake_failures_total{instance="a",reason="failed"}': '0+1x30',
      'rollcall_handshake_failures_total{instance="a",reason="silent"}': '0 1x30',
    },
    ...{ quiet: '30s', told: '4m', labels: 'instance="a",reason="failed"' },
  },
  RollcallVersionsMixed: {
    series: {
      'rollcall_build_info{instance="a",version="0.1.0",protocol="1"}': '1x400',
      'rollcall_build_info{instance="b",version="0.2.0",protocol="1"}': '1x400',
      'rollcall_build_info{instance="c",version="0.2.0",protocol="1"}': '1x400',
    },
    ...{ quiet: '30m', told: '90m', labels: '' },
  },
  RollcallDown: {
    series: { 'up{instance="a",job="rollcall"}': '1 0x20', 'up{instance="b",job="web"}': '0x20' },
    ...{ quiet: '30s', told: '3m', labels: 'instance="a",job="rollcall"' },
  },
}

test('each alert says what it means, and what to do', () => {
  for (const { alert, labels, annotations } of alerts) {
    expect([alert, Object.keys(annotations)]).toEqual([alert, ['summary', 'description', 'remedy']])
    expect(['page', 'ticket']).toContain(labels['severity'])
  }
  expect(Object.keys(faults)).toEqual(alerts.map(({ alert }) => alert))
})

test.skipIf(!programHere('promtool'))(
  'each alert is told by its fault, and by nothing else',
  { timeout: 60_000 },
  () => {
    const firing = (alert: string, { labels }: Fault): string => {
      const { severity } = alerts.find((one) => one.alert === alert)?.labels ?? {}
      const own = labels === '' ? '' : `,${labels}`
      return `ALERTS{alertname="${alert}",alertstate="firing",severity="${severity}"${own}}`
    }
    const cases = Object.entries(faults).map(([alert, fault]) => ({
      interval: '15s',
      input_series: Object.entries(fault.series).map(([series, values]) => ({ series, values })),
      promql_expr_test: [
        { expr: 'ALERTS{alertstate="firing"}', eval_time: fault.quiet, exp_samples: [] },
        {
          expr: 'ALERTS{alertstate="firing"}',
          eval_time: fault.told,
          exp_samples: [{ labels: firing(alert, fault), value: 1 }],
        },
      ],
    }))
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-alerts-'))
    try {
      const file = join(folder, 'faults.yml') // JSON is YAML
      writeFileSync(file, JSON.stringify({ rule_files: [rulesFile], evaluation_interval: '15s', tests: cases }))
      expect(execFileSync('promtool', ['check', 'rules', rulesFile], { encoding: 'utf8' })).toContain('SUCCESS')
      expect(execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8', stdio: 'pipe' })).toContain(
        'SUCCESS',
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)

test('what alerts and dashboard ask for is what a node shows', () => {
  const shown = silentMetrics().flatMap(({ name, type }) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  )
  const asked = [...new Set(`${rules}\n${dashboard}`.match(/\brollcall_\w+/g))].filter(
    (name) => name !== 'rollcall_heartbeat_gap_seconds', // in a sentence
  )
  expect(asked.filter((name) => !shown.includes(name))).toEqual([])
  expect(asked.length).toBeGreaterThan(15)
})
