import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { type Crl, parseCrl } from './crl.ts';
import { listCrlFiles, readCrlFile } from './crl-files.ts';
import { fileError } from './trust-bundles.ts';

/** A CRL that is in use, and where it came from. */
export interface StoredCrl {
  readonly crl: Crl;
  readonly source: string;
}

/**
 * The CRLs that are in use. A set is taken as a whole: when one file cannot be used, what was there stays. Within the
 * CRLs of one issuer and scope the number only grows.
 */
export class CrlStore {
  #stored: readonly StoredCrl[] = [];
  #crls: readonly Crl[] = [];

  get stored(): readonly StoredCrl[] {
    return this.#stored;
  }

  get crls(): readonly Crl[] {
    return this.#crls;
  }

  /** Reads files and folders. Throws `crl_invalid` or `crl_rolled_back` and keeps everything. */
  async load(paths: readonly string[]): Promise<void> {
    const fresh: StoredCrl[] = [];
    for (const file of await listCrlFiles(paths)) {
      const { crls } = await readCrlFile(file);
      for (const der of crls) fresh.push({ crl: parsed(der, file), source: file });
    }
    for (const { crl, source } of fresh) {
      const known = this.#stored.find((other) => sameScope(other.crl, crl));
      if (known !== undefined && crl.number < known.crl.number) {
        throw new XpsError('crl_rolled_back', { detail: `${source} has number ${crl.number}, ${known.crl.number} is in use` });
      }
    }
    this.#stored = fresh;
    this.#crls = fresh.map(({ crl }) => crl);
  }
}

function parsed(der: Bytes, file: string): Crl {
  try {
    return parseCrl(der);
  } catch (thrown) {
    throw fileError('crl_invalid', file, thrown);
  }
}

function sameScope(a: Crl, b: Crl): boolean {
  return a.issuer.key === b.issuer.key && (a.baseNumber === undefined) === (b.baseNumber === undefined);
}
