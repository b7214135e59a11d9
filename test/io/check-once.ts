// Checks one url in a process of its own, whose environment says which certificates it trusts; prints what came of it.
import { createChecker } from '../../src/io/checks.js'

const [url = '', check] = process.argv.slice(2)
console.log(JSON.stringify(await createChecker().check(url, check)))
