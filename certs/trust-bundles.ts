import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Bytes } from '../base/bytes.ts';
import { toHex } from '../base/bytes.ts';
import { toXpsError, XpsError } from '../base/errors.ts';
import type { Reason } from '../base/reasons.ts';
import type { Crypto } from '../engines/contract.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import type { TrustSettings } from './contract.ts';
import { readPem } from './pem.ts';

const MAX_BUNDLE_BYTES = 4 * 1024 * 1024;

/** A CA certificate that is trusted, where it came from, and for whom. */
export interface Anchor {
  readonly certificate: Certificate;
  /** A file, or what else to look at when it is wrong. */
  readonly source: string;
  /** Only SPIFFE IDs of this trust domain; undefined: every name. */
  readonly trustDomain: string | undefined;
}

/** Anchors that come from elsewhere than configured files, such as an agent. */
export interface BundleSource {
  readonly anchors: readonly Anchor[];
  /** DER CRLs that came with them. */
  readonly crls: readonly Bytes[];
  onBundleChange(listener: () => void): () => void;
}

/** Reads every bundle. Throws `bundle_invalid` or `bundle_digest_mismatch` for the first that cannot be used. */
export async function loadBundles(bundles: TrustSettings['bundles'], crypto: Crypto): Promise<readonly Anchor[]> {
  const anchors: Anchor[] = [];
  for (const { file, sha256, trustDomain } of bundles) {
    const bytes = await readBounded(file, MAX_BUNDLE_BYTES, 'bundle_invalid');
    checkDigest(file, bytes, sha256, crypto);
    for (const certificate of certificatesOf(bytes, file)) anchors.push({ certificate, source: file, trustDomain });
  }
  return anchors;
}

/** The digest is of the file as it is, so that `sha256sum` prints it. */
function checkDigest(file: string, bytes: Bytes, allowed: readonly string[], crypto: Crypto): void {
  if (allowed.length === 0) return;
  const found = toHex(crypto.hash.hash('sha256', bytes));
  if (!allowed.includes(found)) throw new XpsError('bundle_digest_mismatch', { detail: `${file} has ${found}` });
}

function certificatesOf(bytes: Bytes, file: string): readonly Certificate[] {
  try {
    const blocks = readPem(Buffer.from(bytes).toString('latin1'), ['CERTIFICATE']);
    if (blocks.length === 0) throw new XpsError('bundle_invalid', { detail: 'it holds no PEM certificate' });
    return blocks.map(({ der }) => parseCertificate(der));
  } catch (thrown) {
    throw fileError('bundle_invalid', file, thrown);
  }
}

/** Reads no more than the limit, whatever the file claims to be. Throws `reason` with the name of the file. */
export async function readBounded(file: string, maxBytes: number, reason: Reason): Promise<Bytes> {
  try {
    // Without waiting: opening a named pipe that nobody writes to would never end.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw new XpsError(reason, { detail: found.isDirectory() ? 'it is a folder' : 'it is not a file' });
      const buffer = Buffer.allocUnsafe(Math.min(maxBytes, found.size) + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
        if (bytesRead === 0) break;
        length += bytesRead;
        if (length === buffer.length) throw new XpsError(reason, { detail: length > maxBytes ? `it is longer than ${maxBytes} bytes` : 'it grew while it was read' });
      }
      return buffer.subarray(0, length);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    throw fileError(reason, file, thrown);
  }
}

/** `thrown` as an error of this reason that names the file. */
export function fileError(reason: Reason, file: string, thrown: unknown): XpsError {
  const { code } = thrown as NodeJS.ErrnoException;
  const why = thrown instanceof XpsError ? thrown.detail : (FILE_ERRORS[code ?? ''] ?? toXpsError(thrown).detail);
  return new XpsError(reason, { detail: `${file}: ${why}`, cause: thrown });
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'it may not be read by this user',
  EPERM: 'it may not be read by this user',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
};
