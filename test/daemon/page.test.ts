// The web page of a daemon as a person meets it: in Chromium, before real daemons, then before a pretended one with a big cluster.
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { programHere } from '../programs.js'
import { Cluster, until, type RunningDaemon } from './cluster.js'
import { loopback } from './place.js'
import { member, nodesOf, Pretended, row, type Scene } from './pretended.js'

const hostile = `<img src=x onerror="document.title='stolen'">`
const here = programHere('chromium')

describe.runIf(here)('the page', () => {
  const cluster = new Cluster(loopback())
  const problems: string[] = []
  let browser: Browser
  let a: RunningDaemon
  let b: RunningDaemon

  beforeAll(async () => {
    const launching = chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
    ;[a, browser] = await Promise.all([cluster.start('a', { args: ['--no-mdns'] }), launching])
    const tokens = join(await cluster.dataDir('tokens'), 'tokens.yaml')
    await writeFile(tokens, 'tokens:\n  - token: a-token-that-is-long-enough-01\n    name: ops\n    may: read\n', {
      mode: 0o600,
    })
    b = await cluster.start('b', { args: ['--no-mdns', '--join', a.address, '--tokens', tokens] })
    await until(
      'both are members',
      async () => (await a.members()).filter(({ state }) => state === 'alive').length === 2,
    )
    await a.register({ id: 'sick', slug: 'sick', url: 'http://127.0.0.1:1', check: 'tcp' })
    await a.register({ id: 'well', slug: 'well', url: 'http://127.0.0.1:2', check: 'none', tags: [hostile] })
    await a.saveDefinition({ id: 'def', text: hostile })
    await until('its check has failed', async () => (await a.instances('?slug=sick'))[0]?.status === 'Unreachable')
  })
  afterAll(async () => {
    await browser?.close()
    await cluster.close()
  })

  /** In a tab of its own, where nothing may be asked of others, and nothing may go wrong. */
  async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage()
    page.setDefaultTimeout(30_000)
    const { origin } = new URL(url)
    page.on('request', (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith('data:'))
        problems.push(`asked ${request.url()}`)
    })
    page.on('pageerror', (error) => problems.push(String(error)))
    // Chromium tells there of each answer that is none, such as 401.
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load')) problems.push(message.text())
    })
    await page.goto(url)
    return page
  }

  // The url that Playwright tells may be that of a moment before.
  const hashOf = (page: Page): Promise<string> => page.evaluate(() => location.hash)
  const textOf = async (page: Page, selector: string): Promise<string> =>
    (await page.locator(selector).first().innerText()).replace(/\s+/g, ' ')
  const rowsOf = (page: Page, list: string): Promise<string[]> =>
    page.locator(`#${list} tbody tr[data-index]`).allInnerTexts()

  test('says what is wrong, shows the worst service first, and why nobody is picked; follows news; names the node whose view it is', async () => {
    const page = await open(`${a.url}/ui`)
    await page.waitForSelector('h1.bad')
    expect(await textOf(page, '.whose')).toMatch(/^since .* as a sees it/)
    expect(await textOf(page, '.problems')).toContain('1 service without an instance to pick: sick')
    expect((await rowsOf(page, 'services')).map((text) => text.split(/\s+/).slice(0, 2).join(' '))).toEqual([
      '✗ none',
      '· one',
    ])
    await page.click('#services >> text=sick')
    await page.click('#instances tbody a')
    await page.waitForSelector('.chain')
    expect(await page.locator('.chain .stops').allInnerTexts()).toEqual([
      expect.stringContaining('Last check: Unreachable'),
    ])
    expect(await page.locator('.chain .stops').innerText()).toMatch(/ECONNREFUSED|refused/)
    expect(await hashOf(page)).toBe('#/services?service=sick&id=sick')
    await a.register({ id: 'new', slug: 'new', url: 'http://127.0.0.1:3', check: 'none' })
    await page.waitForSelector('#services >> text=new')
    await a.deregister('new')
    await page.waitForFunction(() => !document.querySelector('#services')?.textContent?.includes('new'))
    await page.context().close()
  })

  test('shows what others wrote as text, and no more; is driven by keys, from the url and back', async () => {
    const page = await open(`${a.url}/ui#/services?service=well&id=well`)
    await page.waitForSelector(`dd:has-text("onerror")`)
    await page.goto(`${a.url}/ui#/definitions?definition=def`)
    await page.waitForSelector(`pre:has-text("onerror")`)
    expect(await page.locator('img, script:not([src]), iframe').count()).toBe(0)
    expect(await page.title()).not.toContain('stolen')
    await page.keyboard.press('1')
    await page.keyboard.press('/')
    await page.keyboard.type('127.0.0.1:2')
    await page.waitForFunction(() => document.querySelectorAll('#services tr[data-index]').length === 1)
    expect(await hashOf(page)).toBe('#/services?f=127.0.0.1%3A2')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#instances')
    await page.keyboard.press('Escape')
    expect(await hashOf(page)).toBe('#/services?f=127.0.0.1%3A2')
    await page.keyboard.press('Escape')
    expect(await hashOf(page)).toBe('#/services')
    await page.context().close()
  })

  test('reads all that it shows behind a proxy that passes on another Host', async () => {
    const { host, port } = new URL(a.url)
    const proxy = http.createServer((asked, response) => {
      const { method, url: path, headers } = asked
      const passed = http.request(
        { host: '127.0.0.1', port, method, path, headers: { ...headers, host } },
        (answer) => {
          response.writeHead(answer.statusCode as number, answer.headers)
          answer.pipe(response)
        },
      )
      passed.on('error', () => response.destroy())
      response.on('close', () => passed.destroy())
      asked.pipe(passed)
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    const page = await (await browser.newContext()).newPage()
    const read = page.waitForResponse((answer) => answer.url().endsWith('/registry-svc/nodes'))
    await page.goto(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/ui`)
    expect((await read).status()).toBe(200)
    await page.context().close()
    proxy.close().closeAllConnections()
  })

  test('shows all where the browser stores nothing for it, and lets it know nothing of other windows', async () => {
    const context = await browser.newContext()
    await context.addInitScript(() => {
      const refuse = (): never => {
        throw new DOMException('denied', 'SecurityError')
      }
      for (const name of ['sessionStorage', 'localStorage', 'BroadcastChannel'])
        Object.defineProperty(window, name, { get: refuse })
    })
    const page = await context.newPage()
    await page.goto(`${a.url}/ui`)
    await page.waitForSelector('#services tr[data-index]')
    await context.close()
  })

  test('leaves each of seven windows of one browser a connection to ask by', async () => {
    const context = await browser.newContext()
    const [begun, listening] = [new Set<unknown>(), new Set<unknown>()]
    const end = (request: unknown): unknown => listening.delete(request)
    context.on('requestfailed', end).on('requestfinished', end)
    context.on('request', (request) => {
      if (!request.url().endsWith('/v1/events')) return
      begun.add(request.frame())
      listening.add(request)
    })
    const pages: Page[] = []
    for (let i = 0; i < 7; i += 1) pages.push(await context.newPage())
    await Promise.all(pages.map((page) => page.goto(`${a.url}/ui`)))
    await until('each has listened, and most have given way', async () => begun.size === 7 && listening.size <= 3)
    const asked = pages.map((page) => page.evaluate(async () => (await fetch('v1/self')).status))
    expect(await Promise.all(asked)).toEqual(pages.map(() => 200))
    await context.close()
  })

  test('asks for a token once it is refused without, keeps it in the tab alone; greys out when its daemon is killed, and names the others', async () => {
    const page = await open(`${b.url}/ui`)
    await page.waitForSelector('dialog[open]')
    await page.fill('#token', 'a-token-that-is-long-enough-01')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#services >> text=well')
    expect(
      await page.evaluate(() => [
        Object.keys(sessionStorage).length,
        Object.keys(localStorage).length,
        document.cookie,
      ]),
    ).toEqual([1, 0, ''])
    expect(page.url()).not.toContain('token')
    await b.kill('SIGKILL')
    await page.waitForSelector('body[data-away]')
    expect(await textOf(page, 'h1')).toContain('Node b does not answer')
    expect(await textOf(page, '.whose')).toMatch(/^since \d\d:\d\d:\d\d/)
    expect(
      await page.locator('.others a').evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).href)),
    ).toEqual([`${(await a.self()).url}/ui`])
    await page.waitForSelector('#services >> text=well')
    await page.context().close()
    const other = await open(`${a.url}/ui#/nodes`)
    await other.waitForSelector('.problems >> text=Node b is')
    expect((await rowsOf(other, 'nodes'))[0]).toContain('b')
    await other.context().close()
  })

  describe('before many', () => {
    const big = (): Scene => ({
      ...nodesOf(200, (i, j) => (i === 7 && j === 9 ? { state: 'hidden', link: 'failing', failure: 'no answer' } : {})),
      rows: Array.from({ length: 2000 }, (_, i) =>
        row(`inst-${i}`, `svc-${i % 400}`, i % 200, i % 400 === 0 ? { status: 'Unreachable' } : {}),
      ),
      entries: Array.from({ length: 500 }, (_, i) => ({
        at: new Date(Date.now() - i * 1000).toISOString(),
        act: 'register',
        id: `inst-${i}`,
        slug: 'x',
        by: 'anna',
      })),
      findings: [],
      definitions: [],
    })
    const pretended = new Pretended(big())
    let url: string
    beforeAll(async () => {
      url = await pretended.start()
    })
    afterAll(() => pretended.stop())

    test('2000 instances at 200 nodes stand in few rows of the document, and any of them is found', async () => {
      const page = await open(`${url}/ui`)
      await page.waitForSelector('h1.bad')
      const frames = await page.evaluate(async () => {
        const times: number[] = []
        let last = performance.now()
        for (let i = 0; i < 40; i++) {
          scrollBy(0, 300)
          await new Promise((resolve) => requestAnimationFrame(resolve))
          const now = performance.now()
          times.push(now - last)
          last = now
        }
        return { times: times.sort((x, y) => x - y), rows: document.querySelectorAll('tr').length, top: scrollY }
      })
      console.info(
        `frames while scrolling: median ${frames.times[20]?.toFixed(1)} ms, worst ${frames.times[39]?.toFixed(1)} ms`,
      )
      expect(frames.top).toBeGreaterThan(3000)
      expect(frames.rows).toBeLessThan(120)
      for (const view of ['reach', 'changes', 'nodes']) {
        await page.goto(`${url}/ui#/${view}`)
        await page.waitForSelector('main table')
        expect({ view, few: (await page.locator('tr').count()) < 150 }).toEqual({ view, few: true })
      }
      await page.goto(`${url}/ui#/services?f=inst-1234`)
      await page.waitForFunction(() => document.querySelectorAll('#services tr[data-index]').length === 1)
      await page.goto(`${url}/ui#/reach`)
      await page.waitForSelector('td.one-way')
      expect(await page.locator('td.one-way').getAttribute('title')).toBe(
        'node-7 → node-9: does not hear, though heard there',
      )
      expect(await textOf(page, '#troubles')).toMatch(/node-7 node-9 one way, hidden: no answer/)
      await page.context().close()
    })

    test('a page whose daemon is away greys out, and lives again by itself once that is back', async () => {
      const page = await open(`${url}/ui`)
      await page.waitForSelector('.live')
      await pretended.stop()
      await page.waitForSelector('body[data-away]')
      await pretended.start(Number(new URL(url).port))
      await page.waitForSelector('body:not([data-away]) .live')
      // Its news are heard again, too.
      await until('a page listens', async () => pretended.listeners > 0)
      pretended.scene = { ...pretended.scene, rows: [row('late', 'came-late', 1)] }
      pretended.tell({ type: 'instance', id: 'late', slug: 'came-late', change: 'shown' })
      await page.waitForSelector('#services >> text=came-late')
      pretended.scene = big()
      await page.context().close()
    })

    test.each(['light', 'dark'] as const)(
      'on a phone, %s, nothing is cut off, all has a name, and is read without effort',
      async (colorScheme) => {
        const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme }
        pretended.scene = {
          ...big(),
          ...nodesOf(7, (i, j) => (i === 1 && j === 4 ? { state: 'hidden' } : {})),
          members: [0, 1, 2, 3, 4].map((i) => member(i, i === 3 ? { state: 'dead' } : {})),
        }
        const page = await open(`${url}/ui`, phone)
        await page.waitForSelector('h1.bad')
        for (const hash of [
          '#/services',
          '#/services?service=svc-0&id=inst-0',
          '#/reach',
          '#/changes',
          '#/nodes',
          '#/nodes?node=peer-2',
        ]) {
          await page.goto(`${url}/ui${hash}`)
          await page.locator('main table:visible').first().waitFor()
          expect({ hash, faults: await page.evaluate(faultsOf) }).toEqual({ hash, faults: [] })
        }
        await page.context().close()
      },
    )
  })

  test('on a phone the worst is told, the rest folded behind one line, which keys reach', async () => {
    const finding = (id: string, severity: 'error' | 'warning') => ({
      ...{ id, severity, about: [] },
      what: `${id}: something that is wrong, told in as many words as it takes to say what was seen, where, since when. `,
      meaning: 'What follows.',
      remedy: 'What to do about it takes a sentence or two as well, with the command to type: rollcall why. '.repeat(3),
    })
    const ids = ['versions-mixed', 'clock-skew', 'link-failing', 'divergence'] as const
    const pretended = new Pretended({
      ...nodesOf(3, () => ({})),
      ...{ rows: [row('i', 'web', 1)], entries: [], definitions: [] },
      findings: [finding('clone', 'error'), ...ids.map((id) => finding(id, 'warning'))] as Scene['findings'],
    })
    const url = await pretended.start()
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
    const page = await open(`${url}/ui`, phone)
    await page.waitForSelector('.problems li')
    await page.waitForSelector('h1 >> text=One thing is wrong')
    const items = (): Promise<string[]> => page.locator('.problems li').allInnerTexts()
    expect(await items()).toEqual([expect.stringContaining('clone: something'), 'what to do, and 4 more'])
    expect(await page.locator('header').evaluate((header) => header.getBoundingClientRect().height)).toBeLessThan(280)
    expect(await page.evaluate(faultsOf)).toEqual([])
    const more = page.locator('.problems button')
    expect(await more.getAttribute('aria-expanded')).toBe('false')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    expect(await more.evaluate((button) => button === document.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    await page.waitForSelector('.problems button[aria-expanded=true]')
    expect((await items()).filter((text) => text.includes('→'))).toHaveLength(5)
    await page.setViewportSize({ width: 1200, height: 844 })
    await page.keyboard.press('Enter')
    await page.waitForSelector('.problems button >> text=and 1 more')
    expect(await items()).toHaveLength(5)
    await page.context().close()
    await pretended.stop()
  })

  test('none of that asked anybody else for anything, broke its own policy, or failed in the console', () => {
    expect(problems).toEqual([])
  })
})

/** Runs in the page: what somebody would stumble over who sees little, uses keys, or has a small screen. */
function faultsOf(): string[] {
  const faults: string[] = []
  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth > clientWidth) faults.push(`${scrollWidth} wide on ${clientWidth}`)
  const headings = Array.from(document.querySelectorAll('h1, h2, h3')).map(({ tagName }) => Number(tagName[1]))
  if (headings[0] !== 1 || headings.some((level, i) => i > 0 && level > headings[i - 1]! + 1))
    faults.push(`headings ${headings.join()}`)
  for (const name of ['header', 'nav', 'main', '[role=status]'])
    if (document.querySelector(name) === null) faults.push(`no ${name}`)
  for (const input of Array.from(document.querySelectorAll('input')))
    if (input.labels?.length !== 1) faults.push(`unlabelled ${input.id}`)
  for (const one of Array.from(document.querySelectorAll('a, button')))
    if (one.textContent?.trim() === '') faults.push('a link without a name')
  for (const table of Array.from(document.querySelectorAll('table')))
    if (
      table.caption === null ||
      table.querySelector('thead th[scope]') === null ||
      table.querySelector('tbody th[scope]') === null
    )
      faults.push(`table ${table.id}`)
  const channels = (color: string): number[] => (/[\d.]+/g[Symbol.match](color) ?? []).map(Number)
  const luminance = (color: string): number => {
    const [r = 0, g = 0, b = 0] = channels(color).map((one) =>
      one / 255 <= 0.03928 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4,
    )
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const groundOf = (node: Element | null): string => {
    if (node === null) return 'rgb(255, 255, 255)'
    const { backgroundColor } = getComputedStyle(node)
    return channels(backgroundColor)[3] === 0 ? groundOf(node.parentElement) : backgroundColor
  }
  const texts = Array.from(document.querySelectorAll('body *')).filter((node) =>
    Array.from(node.childNodes).some((child) => child.nodeType === 3 && child.nodeValue?.trim() !== ''),
  )
  for (const node of texts) {
    if (node.closest('noscript, dialog:not([open])') !== null) continue
    const [x, y] = [luminance(getComputedStyle(node).color), luminance(groundOf(node))]
    const contrast = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
    if (contrast < 4.5)
      faults.push(`${node.className} ${node.textContent?.slice(0, 30)}: contrast ${contrast.toFixed(2)}`)
  }
  return [...new Set(faults)].slice(0, 10)
}
