import { XpsError } from '../../base/errors.ts';
import { escapeForeign } from '../escape.ts';

/** What operating-system errors mean to the person who reads the log. */
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the other side has closed the connection',
  ETIMEDOUT: 'no answer came',
  EHOSTUNREACH: 'no route leads there',
  ENETUNREACH: 'no route leads there',
  ENOTFOUND: 'the name does not exist in DNS',
  EAI_AGAIN: 'DNS does not answer',
  ENOENT: 'there is no such socket',
  ENOTSOCK: 'the file is no socket',
  EACCES: 'this user may not do that',
  EPERM: 'this user may not do that',
  EADDRINUSE: 'the address is in use by another process',
  EADDRNOTAVAIL: 'this machine has no such address',
  EMFILE: 'this process has no file descriptors left',
  ENFILE: 'this machine has no file descriptors left',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the TLS certificate is self-signed and not in tls.ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'the TLS certificate comes from a CA that is not in tls.ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the TLS certificate comes from a CA that is not in tls.ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the TLS certificate comes from a CA that is not in tls.ca',
  CERT_HAS_EXPIRED: 'the TLS certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the TLS certificate is for another name',
  EPROTO: 'it does not speak TLS',
};

/** One clause without foreign text in it that was not escaped. */
export function explain(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return explain(error.errors.at(-1));
  if (!(error instanceof Error)) return escapeForeign(String(error));
  const { code } = error as NodeJS.ErrnoException;
  const meaning = code === undefined ? undefined : MEANINGS[code];
  return meaning === undefined ? escapeForeign(error.message) : `${meaning} (${code})`;
}

export function listenFailure(url: string, error: unknown): XpsError {
  if (error instanceof XpsError) return error;
  return new XpsError('listen_failed', { detail: `${url}: ${explain(error)}`, cause: error });
}

export function dialFailure(url: string, error: unknown): XpsError {
  if (error instanceof XpsError) return error;
  return new XpsError('dial_failed', { detail: `${url}: ${explain(error)}`, cause: error });
}
