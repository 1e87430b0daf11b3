import { escapeText } from '../escape.ts';

/** One mistake in a configuration, at the place where a person would mend it. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** From 1; 0 when the problem is the file itself. */
  readonly line: number;
  readonly column: number;
  readonly what: string;
  readonly expected?: string;
  readonly suggestion?: string;
}

/** `file:line:col: what, expected …, suggestion`, on one line whatever the file held. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  const parts = [problem.what];
  if (problem.expected !== undefined) parts.push(`expected ${problem.expected}`);
  if (problem.suggestion !== undefined) parts.push(problem.suggestion);
  const warning = problem.severity === 'warning' ? 'warning: ' : '';
  return escapeText(`${place}: ${warning}${parts.join('; ')}`, 2000);
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === 'error');
}

/** In the order of the file; several problems of one place keep the order in which they were found. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
