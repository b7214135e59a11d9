// Says what the compiler and the linter find wrong in all code, from one reading of it: both need every type, and that takes longest.
import { fileURLToPath } from 'node:url'
import { ESLint } from 'eslint'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The code as the project of the tests has it: with the sources and the scripts. */
function readProgram(): { readonly program: ts.Program; readonly wrong: readonly ts.Diagnostic[] } {
  const project = `${root}test/tsconfig.json`
  const { config, error } = ts.readConfigFile(project, ts.sys.readFile)
  if (error !== undefined) throw new Error(ts.formatDiagnostic(error, formatHost))
  const { options, fileNames, errors } = ts.parseJsonConfigFileContent(
    config,
    ts.sys,
    `${root}test`,
    undefined,
    project,
  )
  const program = ts.createProgram(fileNames, options)
  return { program, wrong: [...errors, ...ts.getPreEmitDiagnostics(program)] }
}

const formatHost: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: () => root,
  getCanonicalFileName: (name) => name,
  getNewLine: () => '\n',
}

const { program, wrong } = readProgram()
process.stdout.write(ts.formatDiagnostics(wrong, formatHost))

const linter = new ESLint({
  cwd: root,
  overrideConfigFile: `${root}scripts/eslint.config.js`,
  overrideConfig: { languageOptions: { parserOptions: { project: null, programs: [program] } } },
})
const results = await linter.lintFiles(['src', 'test', 'scripts'])
process.stdout.write(await (await linter.loadFormatter()).format(results))

const isClean = wrong.length === 0 && results.every(({ errorCount }) => errorCount === 0)
process.exitCode = isClean ? 0 : 1
