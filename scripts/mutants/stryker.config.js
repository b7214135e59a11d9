// Mutants made by rule: https://stryker-mutator.io/docs/stryker-js/configuration

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate: ['src/core/**/*.ts'],
  // Texts are for people, and where one decides anything the compiler checks it.
  mutator: { excludedMutations: ['StringLiteral'] },
  plugins: ['@stryker-mutator/vitest-runner'],
  testRunner: 'vitest',
  vitest: { configFile: 'scripts/mutants/vitest.config.ts' },
  // Only the tests that come by a mutant are run. Some tests build their worlds while they are collected: what else is run
  // then, and at no other time, are limits that were chosen.
  coverageAnalysis: 'perTest',
  ignoreStatic: true,
  reporters: ['clear-text', 'progress-append-only'],
  clearTextReporter: { reportTests: false },
  tempDirName: '.stryker-tmp',
  concurrency: 1,
  dryRunTimeoutMinutes: 60,
  // A machine that does other things as well is slow, not hung: endless loops are told by their turns.
  timeoutMS: 60_000,
}
