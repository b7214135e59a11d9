// Members that keep no limit, each in a process of its own, for a moment each: nothing is lost, nobody dead, no call refused. See scripts/violence.ts.
import { afterAll, expect, test } from 'vitest'
import { bySeeds, closeAll, Trio, trioNames } from '../../scripts/bench/daemons.js'
import { bandsOf, besiege, small } from '../../scripts/violence/hostile.js'

afterAll(closeAll)

test('who sends too much takes nothing from anybody', { timeout: 120_000 }, async () => {
  const trio = new Trio(bySeeds, small.env)
  for (const name of trioNames) await trio.start(name)
  const daemons = trioNames.map((name) => trio.daemon(name))
  const { broken } = await besiege(daemons, 2, bandsOf(['asks', 'owners', 'epochs', 'together']))
  expect(broken).toEqual([])
})
