/** Tables and sentences on terminals of all widths. */
import { describe, expect, test } from 'vitest'
import { createPaint, toneOf, wantsColour } from '../../src/cli/paint.js'
import { wrapLines } from '../../src/cli/paragraph.js'
import { plainLook, renderTable, shorten, widthOf, type Column } from '../../src/cli/table.js'

interface Row {
  readonly id: string
  readonly n?: string
  readonly note?: string
}

const columns: readonly Column<Row>[] = [
  { head: 'ID', cell: ({ id }) => id, least: 14 },
  { head: 'N', cell: ({ n }) => n, drop: 2 },
  { head: 'NOTE', cell: ({ note }) => note, drop: 1 },
  { head: 'STATE', cell: () => 'alive', tone: () => 'good' },
]
const rows: readonly Row[] = [
  { id: '12D3KooWabcdefghijklmnop', note: 'a longer remark' },
  { id: 'b', n: '2' },
]
const at = (width: number): string[] => renderTable(columns, rows, { ...plainLook, width }).split('\n')

describe('a table', () => {
  test('in a file has everything, no borders, no spaces at the end', () => {
    expect(renderTable(columns, rows, plainLook)).toBe(
      [
        'ID                        N  NOTE             STATE',
        '12D3KooWabcdefghijklmnop  -  a longer remark  alive',
        'b                         2  -                alive',
      ].join('\n'),
    )
  })

  test('first leaves out middles, then columns in their declared order, and says which', () => {
    expect(at(51)).toEqual(renderTable(columns, rows, plainLook).split('\n'))
    expect(at(45)[1]).toBe('12D3Ko…fghijklmnop  -  a longer remark  alive')
    expect(at(41)[1]).toBe('12D3K…ijklmnop  -  a longer remark  alive')
    expect(at(40)).toEqual([
      'ID                        N  STATE',
      '12D3KooWabcdefghijklmnop  -  alive',
      'b                         2  alive',
      '(no room for NOTE)',
    ])
    expect(at(22)[1]).toBe('12D3K…hijklmnop  alive')
    expect(at(22).at(-1)).toBe('(no room for N, NOTE)')
  })

  test('drops a column that says nothing before all others, without a word', () => {
    const silent = rows.map(({ id, note }) => ({ id, ...(note !== undefined && { note }) }))
    const lines = renderTable(columns, silent, { ...plainLook, width: 40 }).split('\n')
    expect(lines[0]).toMatch(/^ID +NOTE +STATE$/)
    expect(lines.at(-1)).not.toContain('no room')
  })

  test('keeps what must stay, however narrow it gets', () => {
    expect(at(3)[1]).toBe('12D3…jklmnop  alive')
  })

  test.each([80, 60, 40, 30, 25, 21])('is never wider than %i columns, where it can be helped', (width) => {
    for (const line of at(width)) expect(widthOf(line)).toBeLessThanOrEqual(width)
  })

  test('counts wide characters as two, and cuts none in half', () => {
    const lines = renderTable(columns, [{ id: '服务登记处服务登记处服务' }, { id: 'x' }], {
      ...plainLook,
      width: 30,
    }).split('\n')
    expect(widthOf(lines[1]!)).toBe(widthOf(lines[0]!))
    expect(widthOf(shorten('服务登记处服务', 9))).toBeLessThanOrEqual(9)
    expect(shorten('👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 5)).toBe('👩‍👩‍👧‍👦…👩‍👩‍👧‍👦')
  })

  test('has its colours inside the cells, where they move no column', () => {
    const painted = renderTable(columns, rows, { paint: createPaint(true) })
    expect(painted).toContain('\u001b[32malive\u001b[39m')
    expect(painted).toContain('\u001b[2mID')
    expect(
      painted
        .replace(/\u001b\[\d+m/g, '')
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual(renderTable(columns, rows, plainLook).split('\n'))
  })

  test('shows text of others without what moves cursors', () => {
    expect(renderTable(columns, [{ id: 'a\u001b[2Jb\nc' }], plainLook)).toMatch(/\na \[2Jb c /)
  })
})

describe('colours', () => {
  test.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ TERM: 'dumb' }, true, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
  ] as const)('with %j on a terminal (%s): %s', (env, isTty, expected) => {
    expect(wantsColour(env, isTty)).toBe(expected)
  })

  test('mean the same everywhere, and none what has no name', () => {
    expect([toneOf('alive'), toneOf('hidden'), toneOf('dead'), toneOf('else'), toneOf(undefined)]).toEqual([
      ...['good', 'warn', 'bad', undefined, undefined],
    ])
    expect(createPaint(true)(undefined, 'x')).toBe('x')
    expect(createPaint(false)('bad', 'x')).toBe('x')
  })
})

describe('a sentence', () => {
  test('is broken where words end, and goes on where it began', () => {
    expect(wrapLines(['  one two three'], 10)).toBe('  one two\n  three')
    expect(wrapLines(['head one two three'], 12, 5)).toBe('head one two\n     three')
    expect(wrapLines(['short', '', 'unbreakable'], 5)).toBe('short\n\nunbreakable')
    expect(wrapLines(['one two three'], undefined)).toBe('one two three')
  })

  test('is as long as it looks, whatever its colour', () => {
    expect(wrapLines([`${createPaint(true)('bad', 'one')} two`], 7)).not.toContain('\n')
  })
})
