import pino from 'pino';
import { XpsError } from '../base/errors.ts';
import type { LogConfig } from './config/schema.ts';
import { escapeText } from './escape.ts';

export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** What the sidecar tells its operator. Every text is escaped here once more, so that no line can be forged. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  with(fields: Fields): Log;
  /** Writes out what is buffered; for the end of the process. */
  flush(): void;
}

/** Where lines go: pino's interface, so that tests can collect them. */
export interface LogDestination {
  write(line: string): void;
  flushSync?(): void;
}

export function openLog(config: LogConfig, destination: LogDestination = standardOutput()): Log {
  const target = config.format === 'pretty' ? { ...destination, write: (line: string) => destination.write(pretty(line)) } : destination;
  const logger = pino(
    {
      level: config.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
  return new PinoLog(logger, () => destination.flushSync?.());
}

/** The fields that every failure is logged with. */
export function errorFields(error: unknown): Fields {
  if (error instanceof XpsError) {
    return { code: error.code, reason: error.reason, detail: error.detail === '' ? undefined : error.detail, action: error.hint };
  }
  return { code: 'XPS_ERR_INTERNAL', reason: 'internal_error', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

class PinoLog implements Log {
  readonly #logger: pino.Logger;
  readonly flush: () => void;

  constructor(logger: pino.Logger, flush: () => void) {
    this.#logger = logger;
    this.flush = flush;
  }

  debug(message: string, fields: Fields = {}): void {
    this.#logger.debug(escaped(fields), escapeText(message));
  }

  info(message: string, fields: Fields = {}): void {
    this.#logger.info(escaped(fields), escapeText(message));
  }

  warn(message: string, fields: Fields = {}): void {
    this.#logger.warn(escaped(fields), escapeText(message));
  }

  error(message: string, fields: Fields = {}): void {
    this.#logger.error(escaped(fields), escapeText(message));
  }

  with(fields: Fields): Log {
    return new PinoLog(this.#logger.child(escaped(fields)), this.flush);
  }
}

function standardOutput(): LogDestination {
  const destination = pino.destination({ fd: 1, sync: false, minLength: 0 });
  // A reader that has gone away must not take the traffic down with it.
  destination.on('error', () => undefined);
  return destination;
}

function escaped(fields: Fields): Record<string, string | number | boolean> {
  const clean: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) clean[key] = typeof value === 'string' ? escapeText(value) : value;
  }
  return clean;
}

/** `12:34:56.789 WARN  message  key=value …`, one line. */
function pretty(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, string | number | boolean>;
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${/^[^\s"=]+$/.test(String(value)) ? String(value) : JSON.stringify(value)}`);
  return `${[String(time).slice(11, 23), String(level).toUpperCase().padEnd(5), msg, ...rest].join(' ')}\n`;
}
