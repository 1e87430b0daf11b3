// TLS of an ingress in front of a channel: checked as configured, never the identity of the peer (docs/PROTOCOL.md §12).
import { readFile } from 'node:fs/promises';
import { XpsError } from '../../base/errors.ts';
import type { DialTls, ListenTls } from '../config/schema.ts';
import type { DialOptions, ListenTlsTexts } from '../transports/transport.ts';

export async function readDialTls(tls: DialTls): Promise<NonNullable<DialOptions['tls']>> {
  return {
    ...(tls.caFile === undefined ? {} : { ca: await readText(tls.caFile) }),
    ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
  };
}

export async function readListenTls(tls: ListenTls): Promise<ListenTlsTexts> {
  return { cert: await readText(tls.certFile), key: await readText(tls.keyFile) };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw new XpsError('file_unreadable', { detail: (thrown as Error).message, cause: thrown });
  }
}
