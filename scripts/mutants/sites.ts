// Places in the core where a machine can make a small mistake: operators, constants, conditions, statements.
import ts from 'typescript'

export type Kind = 'operator' | 'constant' | 'condition' | 'statement'

export interface Site {
  readonly kind: Kind
  readonly start: number
  readonly end: number
  /** What a person has to see to know what is meant: of an operator its operands too. */
  readonly shown: string
  readonly after: string
}

const operators = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.LessThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '<'],
  [ts.SyntaxKind.GreaterThanToken, '>='],
  [ts.SyntaxKind.GreaterThanEqualsToken, '>'],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&'],
  [ts.SyntaxKind.PlusToken, '-'],
  [ts.SyntaxKind.MinusToken, '+'],
  [ts.SyntaxKind.AsteriskToken, '/'],
])

const functions = new Map([
  ['Math.max', 'Math.min'],
  ['Math.min', 'Math.max'],
  ['Math.ceil', 'Math.floor'],
])

/** Every site of a file, in the order of its text. */
export function sitesOf(file: ts.SourceFile): Site[] {
  const sites: Site[] = []
  const add = (kind: Kind, node: ts.Node, after: string, shown = node): void =>
    void sites.push({ kind, start: node.getStart(file), end: node.getEnd(), shown: shown.getText(file), after })
  const visit = (node: ts.Node): void => {
    if (isText(node)) return
    if (ts.isBinaryExpression(node)) {
      const other = operators.get(node.operatorToken.kind)
      if (other !== undefined) add('operator', node.operatorToken, other, node)
    } else if (ts.isPropertyAccessExpression(node)) {
      const other = functions.get(node.getText(file))
      if (other !== undefined) add('operator', node, other)
    } else if (ts.isNumericLiteral(node) && !ts.isLiteralTypeNode(node.parent)) {
      add('constant', node, otherNumber(node.text))
    } else if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword) {
      if (!ts.isLiteralTypeNode(node.parent))
        add('constant', node, node.kind === ts.SyntaxKind.TrueKeyword ? 'false' : 'true')
    } else if (ts.isIfStatement(node)) {
      add('condition', node.expression, `!(${node.expression.getText(file)})`)
      if (node.elseStatement === undefined && ts.isReturnStatement(node.thenStatement)) add('statement', node, '')
    } else if (ts.isConditionalExpression(node)) {
      add('condition', node.condition, `!(${node.condition.getText(file)})`)
    } else if (ts.isExpressionStatement(node) && !isText(node.expression)) {
      add('statement', node, '')
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return sites
}

function otherNumber(text: string): string {
  const value = Number(text.replaceAll('_', ''))
  return value === 0 ? '1' : value === 1 ? '2' : `(${text} * 2)`
}

/** What is only read by people: messages, errors, assertions; and what is no code at run time. */
function isText(node: ts.Node): boolean {
  if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return true
  if (ts.isThrowStatement(node) || ts.isTemplateExpression(node)) return true
  const called = ts.isCallExpression(node) || ts.isNewExpression(node) ? node.expression.getText() : ''
  return /^assert$|Error$|\.drop$/.test(called)
}
