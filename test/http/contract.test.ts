/** The contract, kept by the HTTP doors alone: the service behind them is in memory. */
import { contractSuite } from './contract/suite.js'
import { serveMemory } from './serve.js'

contractSuite('the Registry Svc contract', serveMemory)
