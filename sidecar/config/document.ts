import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair, type ScalarTag } from 'yaml';
import { escapeForeign } from '../escape.ts';
import type { Problem } from './problem.ts';

/** Steps from the root of the file to a value: keys of mappings, indices of lists. */
export type Path = readonly (string | number)[];

/** A YAML file as plain values, and where each of them stands. */
export interface ConfigDocument {
  /** Undefined when the text is no YAML that we accept; `problems` says why. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /**
   * Where `path` stands, or the nearest thing above it that exists. `key` is the name of the last
   * step; `value`, what stands behind it.
   */
  locate(path: Path, part: 'key' | 'value'): { readonly line: number; readonly column: number };
}

const MAX_DEPTH = 32;

/** `2_000_000`: an integer, which the YAML 1.2 core schema would read as text. */
const underscoredInteger: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  identify: () => false,
  default: true,
  test: /^[-+]?\d+(?:_\d+)+$/,
  resolve: (text: string) => Number(text.replaceAll('_', '')),
};

/** Never throws: what cannot be read is a problem with a position. */
export function readDocument(text: string, file: string): ConfigDocument {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const position = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const report = (offset: number, what: string, expected?: string, suggestion?: string): void => {
    problems.push({
      severity: 'error',
      file,
      ...position(offset),
      what,
      ...(expected === undefined ? {} : { expected }),
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  };
  const failed = (): ConfigDocument => ({ value: undefined, problems, locate: () => ({ line: 1, column: 1 }) });

  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(text);
  if (control !== null) {
    lines.addNewLine(0);
    for (const newline of text.slice(0, control.index).matchAll(/\n/g)) lines.addNewLine(newline.index + 1);
    report(control.index, `control character ${escapeForeign(control[0])}`, 'text');
    return failed();
  }
  const tooDeep = firstTooDeep(text);
  if (tooDeep !== undefined) {
    lines.addNewLine(0);
    for (const newline of text.slice(0, tooDeep).matchAll(/\n/g)) lines.addNewLine(newline.index + 1);
    report(tooDeep, `brackets are nested more than ${MAX_DEPTH} deep`);
    return failed();
  }

  const parsed = parseWithin(text, lines);
  if (parsed === undefined) {
    report(0, 'nested too deep to be read');
    return failed();
  }
  const found = [...parsed.errors, ...parsed.warnings];
  // A tab confuses the parser about everything behind it: then only the tabs are worth reading.
  const tabs = found.filter(({ code }) => code === 'TAB_AS_INDENT');
  for (const error of tabs.length > 0 ? tabs : found) {
    const { what, expected, suggestion } = syntaxMistake(error.code, error.message, text.slice(error.pos[0], error.pos[1]));
    report(error.pos[0], what, expected, suggestion);
  }
  if (parsed.directives.yaml.explicit === true && parsed.directives.yaml.version !== '1.2') {
    report(0, `this file says that it is YAML ${parsed.directives.yaml.version}`, 'YAML 1.2', 'remove the line %YAML');
  }
  if (problems.length > 0) return failed();

  const root = parsed.contents;
  const value = plainValue(root, 0);
  return problems.length > 0 ? failed() : { value, problems, locate };

  /** Mappings become objects without a prototype, so that `__proto__` is a key like any other. */
  function plainValue(node: Node | null, depth: number): unknown {
    if (node === null) return null;
    const at = node.range?.[0] ?? 0;
    if (depth > MAX_DEPTH) {
      report(at, `nested more than ${MAX_DEPTH} deep`);
      return null;
    }
    if (isAlias(node)) {
      report(at, `alias *${escapeForeign(node.source, 40)} is not supported`, 'the value itself', 'write the value out');
      return null;
    }
    if (node.anchor !== undefined) {
      report(at, `anchor &${escapeForeign(node.anchor, 40)} is not supported`, 'a plain value', 'write values out where they are used');
    }
    if (node.tag !== undefined) {
      report(at, `the tag ${escapeForeign(node.tag, 40)} is not supported`, 'a plain value', 'quote what must be text');
      return null;
    }
    if (isScalar(node)) return node.value;
    if (isSeq(node)) return node.items.map((item) => plainValue(item as Node | null, depth + 1));
    if (isMap(node)) return plainMapping(node.items as Pair<Node | null, Node | null>[], at, depth);
    report(at, 'unsupported YAML', 'a mapping, a list or a plain value');
    return null;
  }

  function plainMapping(pairs: readonly Pair<Node | null, Node | null>[], at: number, depth: number): unknown {
    const mapping = Object.create(null) as Record<string, unknown>;
    for (const { key, value: content } of pairs) {
      const keyAt = key?.range?.[0] ?? at;
      if (!isScalar(key) || typeof key.value !== 'string') {
        report(keyAt, 'a key is not plain text', 'key: value');
        continue;
      }
      if (key.value in mapping) {
        report(keyAt, `"${escapeForeign(key.value, 40)}" stands here twice`, 'each key once', 'remove one of them');
        continue;
      }
      mapping[key.value] = plainValue(content, depth + 1);
    }
    return mapping;
  }

  function locate(path: Path, part: 'key' | 'value'): { line: number; column: number } {
    let node: Node | null = root;
    let keyNode: Node | null = null;
    for (const step of path) {
      if (isMap(node)) {
        const pair = (node.items as Pair<Node | null, Node | null>[]).find(({ key }) => isScalar(key) && key.value === step);
        if (pair === undefined) break;
        keyNode = pair.key;
        node = pair.value;
      } else if (isSeq(node) && typeof step === 'number' && step in node.items) {
        node = node.items[step] as Node | null;
        keyNode = node;
      } else {
        break;
      }
    }
    const found = part === 'key' ? (keyNode ?? node) : (node ?? keyNode);
    return position(found?.range?.[0] ?? 0);
  }
}

/** Undefined when the parser ran out of stack. */
function parseWithin(text: string, lines: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(text, {
      version: '1.2',
      schema: 'core',
      customTags: (tags) => [underscoredInteger, ...tags],
      lineCounter: lines,
      prettyErrors: false,
      strict: true,
      // Duplicates are reported by plainMapping, all of them and at the second key.
      uniqueKeys: false,
      logLevel: 'error',
    });
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

/** The parser descends by recursion; this keeps a hostile file from exhausting the stack. Quoted brackets count too, harmlessly. */
function firstTooDeep(text: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
    if (depth > MAX_DEPTH * 4) return at;
  }
  return undefined;
}

function syntaxMistake(
  code: string,
  message: string,
  source: string,
): { readonly what: string; readonly expected?: string; readonly suggestion?: string } {
  switch (code) {
    case 'TAB_AS_INDENT':
      return { what: 'a tab is used to indent', expected: 'spaces', suggestion: 'replace each tab by two spaces' };
    case 'BAD_INDENT':
      if (message.startsWith('Flow')) return { what: `a bracket is not closed: ${message}` };
      return { what: 'the indentation fits nothing above', expected: 'the same number of spaces for keys that belong together' };
    case 'MULTIPLE_DOCS':
      return { what: 'a second YAML document begins here', expected: 'one document', suggestion: 'remove the line ---' };
    case 'MISSING_CHAR':
      return { what: `a closing quote, bracket or separator is missing: ${message}` };
    case 'TAG_RESOLVE_FAILED':
      return { what: `the tag ${escapeForeign(source.split(/\s/)[0] as string, 40)} is not supported`, expected: 'a plain value' };
    default:
      if (message.includes('call stack')) return { what: 'nested too deep to be read' };
      return { what: `not valid YAML: ${message}` };
  }
}
