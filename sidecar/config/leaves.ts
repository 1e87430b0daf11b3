// The kinds of value that a configuration file holds, each with its own messages.
import { resolve } from 'node:path';
import { z } from 'zod';
import { DURATION_FORM, formatDuration, parseDuration } from './duration.ts';
import { isMistake, parseAddress } from './address.ts';
import type { Address } from './schema.ts';
import { nearest } from './suggest.ts';

/** What a custom issue of ours carries besides its message. */
export interface MistakeParams {
  readonly expected?: string;
  readonly suggestion?: string;
}

type Context = z.core.$RefinementCtx;

export function mistake(context: Context, message: string, params: MistakeParams = {}): typeof z.NEVER {
  const { expected, suggestion } = params;
  context.addIssue({
    code: 'custom',
    message,
    params: { ...(expected === undefined ? {} : { expected }), ...(suggestion === undefined ? {} : { suggestion }) },
  });
  return z.NEVER;
}

export function text(maxBytes: number): z.ZodType<string> {
  return z.string().transform((value, context) => {
    if (value.trim() === '') return mistake(context, 'is empty', { expected: 'text' });
    const length = Buffer.byteLength(value);
    if (length > maxBytes) return mistake(context, `is ${length} bytes long`, { expected: `at most ${maxBytes} bytes` });
    return value;
  });
}

export function filePath(baseDir: string): z.ZodType<string> {
  return text(4096).transform((value) => resolve(baseDir, value));
}

/** Milliseconds. */
export function duration(minMs: number, maxMs: number): z.ZodType<number> {
  return z.union([z.string(), z.number()], { error: () => `is not a duration` }).transform((value, context) => {
    const ms = typeof value === 'string' ? parseDuration(value) : undefined;
    if (ms === undefined) {
      const isBareNumber = /^[\d.]+$/.test(String(value));
      return mistake(context, isBareNumber ? `"${value}" has no unit` : `"${value}" is not a duration`, {
        expected: DURATION_FORM,
        ...(isBareNumber ? { suggestion: `did you mean ${value}s?` } : {}),
      });
    }
    if (ms < minMs || ms > maxMs) {
      return mistake(context, `"${value}" is out of range`, { expected: `${formatDuration(minMs)} to ${formatDuration(maxMs)}` });
    }
    return ms;
  });
}

/** Milliseconds; undefined for `off`. */
export function durationOrOff(minMs: number, maxMs: number): z.ZodType<number | undefined> {
  const inner = duration(minMs, maxMs);
  return z.unknown().transform((value, context) => {
    if (value === 'off' || value === false) return undefined;
    const parsed = inner.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
    return z.NEVER;
  });
}

export function wholeNumber(min: number, max: number): z.ZodType<number> {
  return z.int().min(min).max(max);
}

export function address(baseDir: string): z.ZodType<Address> {
  return z.string().transform((value, context) => {
    const parsed = parseAddress(value, baseDir);
    return isMistake(parsed) ? mistake(context, parsed.what, parsed) : parsed;
  });
}

/** A value, or a list of at least one. */
export function oneOrMany<T>(inner: z.ZodType<T>, what: string): z.ZodType<[T, ...T[]]> {
  return z
    .preprocess((value) => (Array.isArray(value) || value === undefined ? value : [value]), z.array(inner))
    .transform((values, context) => {
      const [first, ...rest] = values;
      if (first === undefined) return mistake(context, 'is an empty list', { expected: what });
      return [first, ...rest];
    });
}

/** One of a list of names, in any case and with `-` or `_`; the result has the spelling of the list. */
export function nameOf(names: readonly string[]): z.ZodType<string> {
  return z.string().transform((value, context) => {
    const plain = (name: string): string => name.toLowerCase().replaceAll('-', '_');
    const found = names.find((name) => plain(name) === plain(value));
    if (found !== undefined) return found;
    const near = nearest(value, names);
    return mistake(context, `"${value}" is not known`, {
      expected: `one of ${names.join(', ')}`,
      ...(near === undefined ? {} : { suggestion: `did you mean ${near}?` }),
    });
  });
}
