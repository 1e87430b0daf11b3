import type { Mutant } from './mutant.ts';

function instead(name: string, file: string, find: string, replace: string, ...tests: readonly string[]): Mutant {
  return { name, tests, changes: [{ file, find, replace }] };
}

const AUTHORITY = 'test/certs/ca/authority.test.ts';
const OPENSSL = 'test/certs/ca/openssl.test.ts';
const RESPONDER = 'test/certs/ca/ocsp-responder.test.ts';

/** Mutants of the development CA. */
export const MUTANTS: readonly Mutant[] = [
  instead('write keys that everybody may read', 'certs/ca/ca-folder.ts', 'const PRIVATE_FILE = 0o600;', 'const PRIVATE_FILE = 0o644;', AUTHORITY),
  instead('use a key that others may read', 'certs/ca/ca-folder.ts', 'if ((mode & READABLE_BY_OTHERS) !== 0)', 'if (false)', AUTHORITY),
  instead('overwrite the key of a CA', 'certs/ca/authority.ts', 'if (folder.has(file) && options.force !== true)', 'if (false)', AUTHORITY),
  instead('let a label lead out of the folder', 'certs/ca/subject-names.ts', "name.replaceAll(/[^A-Za-z0-9._-]/g, '_')", 'name', AUTHORITY),
  instead('issue outside of the constraints', 'certs/ca/authority.ts', '    await this.#check(certificate);\n    const isOurs', '    const isOurs', AUTHORITY),
  instead('believe a request without its proof', 'certs/ca/signing-request.ts', 'if (!isProven)', 'if (false)', OPENSSL),
  instead('forget a revocation in the delta', 'certs/ca/authority.ts', 'record.revoked?.afterCrl === settings.baseCrlNumber', 'record.revoked?.afterCrl === settings.crlNumber + 1', AUTHORITY),
  instead('call a revoked certificate good', 'certs/ca/ocsp-answers.ts', 'if (revoked === undefined)', 'if (true)', OPENSSL),
  instead('call an unknown serial number good', 'certs/ca/ocsp-answers.ts', 'new Primitive({ idBlock: { tagClass: 3, tagNumber: 2 } })', 'new Primitive({ idBlock: { tagClass: 3, tagNumber: 0 } })', OPENSSL),
  instead('answer for another CA', 'certs/ca/ocsp-answers.ts', 'if (!isOurs)', 'if (false)', RESPONDER),
  instead('take a request of any length', 'certs/ca/ocsp-responder.ts', 'if (length > MAX_REQUEST_BYTES)', 'if (false)', RESPONDER),
];
