/**
 * Texts that can be ids, with those that urls, shells and JavaScript itself take for something else.
 */
import fc from 'fast-check'

export const oddIds = [
  ...[
    '%',
    '%2e',
    '%2E',
    '%2e%2E',
    '%252e',
    '%00',
    '%2F',
    '...',
    './',
    '../',
    '/..',
    '../x',
    'a/../b',
    '/',
    '//',
    ' ',
    ' . ',
    '. .',
  ],
  ...[
    '?',
    '#',
    '?id=x',
    '#x',
    '&',
    '=',
    '+',
    ';',
    ':',
    '\\',
    '..\\',
    '~',
    '*',
    '-',
    '--',
    '-x',
    '--id',
    '--id=x',
    '--help',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'null',
    'undefined',
    '0',
    'maintenance',
    'self',
    '\u00a0',
    '\u202e',
    '\ufeff',
    '．．',
  ],
  ...[
    'é',
    'e\u0301',
    '€'.repeat(512),
    'x'.repeat(512),
    'http://127.0.0.1:5981/x',
    '"',
    "'",
    '`',
    '$(x)',
    '{id}',
    ':id',
  ],
]

/** Ids that no path can carry. */
export const pathSteps = ['.', '..']

export const anyId = fc.oneof(
  fc.constantFrom(...oddIds, ...pathSteps),
  fc
    .array(
      fc.oneof(
        fc.constantFrom('.', '/', '%', '2e', '2E', '\\', '?', '#', ' ', '-'),
        fc.string({ unit: 'grapheme', maxLength: 3 }),
      ),
      {
        minLength: 1,
        maxLength: 12,
      },
    )
    .map((parts) => parts.join(''))
    .filter((id) => id !== ''),
)
