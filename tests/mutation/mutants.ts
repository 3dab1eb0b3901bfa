/** Makes the mutants of a source file: each is the file with one small mistake. */
import ts from "npm:typescript@5.9.3";

/** One mistake. */
export interface Mutant {
  /** The name of the file in `src/wire/`. */
  readonly file: string;
  /** The line of the file, from 1. */
  readonly line: number;
  /** That line, without its indentation. */
  readonly code: string;
  /** The line before it. */
  readonly before: string;
  /** What is replaced, and by what. */
  readonly from: string;
  readonly to: string;
  /** The text of the whole file with the mistake. */
  readonly source: string;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly to: string;
}

/** Returns every mutant of the file with this text. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lines = text.split("\n");
  return editsBelow(source).map(({ start, end, to }) => {
    const { line } = source.getLineAndCharacterOfPosition(start);
    return {
      file,
      line: line + 1,
      code: lines[line]!.trim(),
      before: (lines[line - 1] ?? "").trim(),
      from: text.slice(start, end),
      to,
      source: text.slice(0, start) + to + text.slice(end),
    };
  });
}

function editsBelow(node: ts.Node): Edit[] {
  if (hasNoEffect(node)) return [];
  const edits = editsOf(node).filter(({ start, end, to }) =>
    to !== node.getSourceFile().text.slice(start, end)
  );
  ts.forEachChild(node, (child) => void edits.push(...editsBelow(child)));
  return edits;
}

/** Types, imports, and names of members say nothing at run time. */
function hasNoEffect(node: ts.Node): boolean {
  return ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) || ts.isTypeParameterDeclaration(node);
}

const OPERATORS: ReadonlyMap<ts.SyntaxKind, readonly string[]> = new Map([
  [ts.SyntaxKind.LessThanToken, ["<=", ">="]],
  [ts.SyntaxKind.LessThanEqualsToken, ["<", ">"]],
  [ts.SyntaxKind.GreaterThanToken, [">=", "<="]],
  [ts.SyntaxKind.GreaterThanEqualsToken, [">", "<"]],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, ["!=="]],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, ["==="]],
  [ts.SyntaxKind.AmpersandAmpersandToken, ["||"]],
  [ts.SyntaxKind.BarBarToken, ["&&"]],
  [ts.SyntaxKind.PlusToken, ["-"]],
  [ts.SyntaxKind.MinusToken, ["+"]],
  [ts.SyntaxKind.AsteriskToken, ["/"]],
  [ts.SyntaxKind.SlashToken, ["*"]],
  [ts.SyntaxKind.AmpersandToken, ["|"]],
  [ts.SyntaxKind.BarToken, ["&"]],
  [ts.SyntaxKind.CaretToken, ["&"]],
  [ts.SyntaxKind.GreaterThanGreaterThanToken, ["<<"]],
  [ts.SyntaxKind.LessThanLessThanToken, [">>"]],
  [ts.SyntaxKind.PlusEqualsToken, ["-=", "="]],
  [ts.SyntaxKind.MinusEqualsToken, ["+=", "="]],
  [ts.SyntaxKind.QuestionQuestionEqualsToken, ["="]],
]);

/** The text of an error says what is wrong; tests assert its code, and the text where it matters. */
const MESSAGE = /^.[A-Z][\w-]* [a-z]/;

function editsOf(node: ts.Node): Edit[] {
  const whole = (to: string): Edit => ({ start: node.getStart(), end: node.getEnd(), to });
  const replaced = (part: ts.Node, to: string): Edit => ({
    start: part.getStart(),
    end: part.getEnd(),
    to,
  });
  if (ts.isBinaryExpression(node)) {
    return (OPERATORS.get(node.operatorToken.kind) ?? []).map((to) =>
      replaced(node.operatorToken, to)
    );
  }
  if (ts.isPrefixUnaryExpression(node)) return prefixEdits(node, whole);
  if (ts.isPostfixUnaryExpression(node)) {
    return [whole(node.operand.getText() + (node.getText().endsWith("++") ? "--" : "++"))];
  }
  if (ts.isNumericLiteral(node)) {
    const value = Number(node.text);
    return value === 0 ? [whole("1")] : [whole(String(value + 1)), whole(String(value - 1))];
  }
  if (ts.isStringLiteral(node)) {
    return MESSAGE.test(node.getText()) ? [] : [whole(node.text === "" ? '"mutant"' : '""')];
  }
  if (ts.isRegularExpressionLiteral(node)) return patternEdits(node.getText()).map(whole);
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [whole("false")];
  if (node.kind === ts.SyntaxKind.FalseKeyword) return [whole("true")];
  if (ts.isIfStatement(node) || ts.isConditionalExpression(node)) {
    const condition = ts.isIfStatement(node) ? node.expression : node.condition;
    return ["true", "false"].map((to) => replaced(condition, to));
  }
  if (ts.isWhileStatement(node)) return [replaced(node.expression, "false")];
  if (ts.isForStatement(node) && node.condition) return [replaced(node.condition, "false")];
  if (isRemovable(node)) return [whole(";")];
  if (ts.isArrayLiteralExpression(node)) return entryEdits(node);
  if (ts.isCallExpression(node)) return callEdits(node, whole);
  return [];
}

function prefixEdits(node: ts.PrefixUnaryExpression, whole: (to: string) => Edit): Edit[] {
  const operand = node.operand.getText();
  switch (node.operator) {
    case ts.SyntaxKind.PlusPlusToken:
      return [whole(`--${operand}`)];
    case ts.SyntaxKind.MinusMinusToken:
      return [whole(`++${operand}`)];
    default:
      return [whole(operand)];
  }
}

function patternEdits(pattern: string): string[] {
  const edits = [pattern.replace("/^", "/"), pattern.replace(/\$(?=\/\w*$)/, "")];
  return [...edits, pattern.replace(/\/i$/, "/"), pattern.replace(/([+*])(?=\$?\/\w*$)/, "")];
}

function isRemovable(node: ts.Node): boolean {
  if (ts.isExpressionStatement(node)) return !node.getText().startsWith("super(");
  return ts.isThrowStatement(node) || ts.isBreakStatement(node) || ts.isContinueStatement(node) ||
    (ts.isReturnStatement(node) && node.expression === undefined);
}

/** An entry of a table is missing. */
function entryEdits(node: ts.ArrayLiteralExpression): Edit[] {
  return node.elements.map((element, i) => {
    const next = node.elements[i + 1];
    return { start: element.getStart(), end: next ? next.getStart() : element.getEnd(), to: "" };
  });
}

function callEdits(node: ts.CallExpression, whole: (to: string) => Edit): Edit[] {
  const callee = node.expression;
  if (!ts.isPropertyAccessExpression(callee)) return [];
  const on = callee.expression.getText();
  switch (callee.name.text) {
    case "min":
      return [whole(node.getText().replace("Math.min", "Math.max"))];
    case "max":
      return [whole(node.getText().replace("Math.max", "Math.min"))];
    case "every":
      return [whole(node.getText().replace(".every(", ".some("))];
    case "some":
      return [whole(node.getText().replace(".some(", ".every("))];
    case "toLowerCase":
    case "toUpperCase":
    case "filter":
    case "slice":
      return [whole(on)];
    default:
      return [];
  }
}
