import { parseSync } from 'vite';
import type { MutatedFile } from './targets.ts';

/** One check of the verifier, in one way of switching it off. */
export interface Mutant {
  /** Stays the same while the code of the check does: file, function, what is done, and to what. */
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** What is put before and after it; `@@` stands for the mutant's number. */
  readonly before: string;
  readonly after: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** The whole statement is left out. */
const SKIP = ['{ if (!__mutant(@@)) { ', ' } }'] as const;
/** Another value instead; where the value is that one anyway, nobody could tell, and the victim notes only where not. */
const always = (value: string) => [`(__asleep(@@) ? __seen(@@, ${value}, (`, `)) : ${value})`] as const;
/** A checked value, as it came. */
const unchecked = (value: string) => [`(__mutant(@@) ? ${value} : (`, '))'] as const;

/** Every check of a file: what throws, what calls a check, and each truth value that decides. */
export function mutantsOf({ file, only, except }: MutatedFile, source: string): Mutant[] {
  const found: Mutant[] = [];
  const names = new Map<string, number>();
  const add = (where: string, what: string, node: Node, [before, after]: readonly [string, string]): void => {
    const text = source.slice(node.start, node.end).replace(/\s+/g, ' ').slice(0, 80);
    const name = `${file} ${where}: ${what} ${text}`;
    const count = (names.get(name) ?? 0) + 1;
    names.set(name, count);
    found.push({
      name: count > 1 ? `${name} (${count})` : name,
      start: node.start,
      end: node.end,
      before,
      after,
    });
  };
  walk(parseSync(file, source).program as unknown as Node, [], (node, where, parents) => {
    const inner = where.at(-1);
    if (inner === undefined || (only && !where.some((one) => only.includes(one)))) return;
    if (except && where.some((one) => except.includes(one))) return;
    for (const [what, change] of changesOf(node, parents, source)) add(where.join(' '), what, node, change);
  });
  return found;
}

type Change = readonly [what: string, change: readonly [string, string]];

function changesOf(node: Node, parents: readonly Node[], source: string): Change[] {
  const parent = parents.at(-1);
  if (node.type === 'ThrowStatement') return [['never', SKIP]];
  if (isCheckCall(node, source)) return [['never', SKIP]];
  if (!parent) return [];
  if (isReader(node, source)) {
    const [value] = node['arguments'] as Node[];
    return value ? [['unchecked', unchecked(textOf(value, source))]] : [];
  }
  if (parent.type === 'IfStatement' && parent['test'] === node) {
    // What is guarded is switched off by itself where it only throws.
    return onlyThrows(parent['consequent'] as Node) && !parent['alternate']
      ? []
      : [
          ['true', always('true')],
          ['false', always('false')],
        ];
  }
  if (parent.type === 'ConditionalExpression' && parent['test'] === node) {
    return [
      ['true', always('true')],
      ['false', always('false')],
    ];
  }
  if (parent.type === 'LogicalExpression' && parent['operator'] !== '??') {
    // What does not decide: false beside an "or", true beside an "and".
    return [['without', always(parent['operator'] === '||' ? 'false' : 'true')]];
  }
  if (isTruth(node) && (parent.type === 'ReturnStatement' || parent['body'] === node)) {
    return [
      ['true', always('true')],
      ['false', always('false')],
    ];
  }
  if (parent.type === 'CallExpression' && /^Math\.(max|min)$/.test(textOf(parent['callee'], source))) {
    const isMax = textOf(parent['callee'], source) === 'Math.max';
    return (parent['arguments'] as Node[]).includes(node)
      ? [['without', always(isMax ? '-Infinity' : 'Infinity')]]
      : [];
  }
  return [];
}

/** `checkX(…)`, `verifyX(…)` or `expectX(…)` as a statement. */
function isCheckCall(node: Node, source: string): boolean {
  if (node.type !== 'ExpressionStatement') return false;
  const outer = node['expression'] as Node;
  const call = outer.type === 'AwaitExpression' ? (outer['argument'] as Node) : outer;
  return (
    call.type === 'CallExpression' && /(^|[.#])(check|verify|expect)\w*$/.test(textOf(call['callee'], source))
  );
}

/** `checkX(value)` that gives the value back. */
const isReader = (node: Node, source: string): boolean =>
  node.type === 'CallExpression' &&
  (node['arguments'] as Node[]).length === 1 &&
  /^check([A-Z]\w*)?$/.test(textOf(node['callee'], source));

const onlyThrows = (node: Node): boolean =>
  node.type === 'ThrowStatement' ||
  (node.type === 'BlockStatement' &&
    (node['body'] as Node[]).length === 1 &&
    (node['body'] as Node[])[0]?.type === 'ThrowStatement');

const COMPARISONS = ['===', '!==', '<', '>', '<=', '>=', 'in', 'instanceof'];
const isTruth = (node: Node): boolean =>
  (node.type === 'BinaryExpression' && COMPARISONS.includes(String(node['operator']))) ||
  node.type === 'LogicalExpression' ||
  (node.type === 'UnaryExpression' && node['operator'] === '!');

const textOf = (node: unknown, source: string): string =>
  source.slice((node as Node).start, (node as Node).end);

/** Visits every node with the functions it is in, outermost first. */
function walk(
  node: Node,
  parents: readonly Node[],
  visit: (node: Node, where: readonly string[], parents: readonly Node[]) => void,
  where: readonly string[] = [],
): void {
  visit(node, where, parents);
  const name = nameOf(node, parents.at(-1));
  const inside = name === undefined ? where : [...where, name];
  for (const [key, value] of Object.entries(node)) {
    if (key === 'typeAnnotation' || key === 'returnType' || key === 'typeParameters') continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, [...parents, node], visit, inside);
    }
  }
}

function nameOf(node: Node, parent: Node | undefined): string | undefined {
  const named = (one: unknown): string => {
    const { type, name } = one as Node & { name: string };
    return type === 'PrivateIdentifier' ? `#${name}` : name;
  };
  if (node.type === 'FunctionDeclaration') return named(node['id']);
  if (node.type === 'MethodDefinition') return named(node['key']);
  if (node.type === 'ArrowFunctionExpression' && parent?.type === 'VariableDeclarator')
    return named(parent['id']);
  return undefined;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

/** The source with every mutant in it, asleep; numbers begin at `first`. */
export function withMutants(source: string, mutants: readonly Mutant[], first: number): string {
  const inserts = mutants.flatMap(({ start, end, before, after }, i) => {
    const number = String(first + i);
    const size = end - start;
    return [
      // At one place: first what closes, inner before outer; then what opens, outer before inner.
      { at: start, order: [1, -size, i], text: before.replaceAll('@@', number) },
      { at: end, order: [0, size, -i], text: after.replaceAll('@@', number) },
    ];
  });
  inserts.sort((a, b) => a.at - b.at || compare(a.order, b.order));
  let result = '';
  let at = 0;
  for (const insert of inserts) {
    result += source.slice(at, insert.at) + insert.text;
    at = insert.at;
  }
  return result + source.slice(at);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, x] of a.entries()) if (x !== b[i]) return x - (b[i] ?? 0);
  return 0;
}
