// What a verdict costs: `node bench/certs.ts`. A leaf and an intermediate on P-256 with a CRL of each issuer, hard revocation.
// "first": everything parsed and verified anew, the CRLs were read before. "again": the same objects, signatures known.
import { generateKeyPairSync } from 'node:crypto';
import { parseCertificate } from '../certs/certificate.ts';
import { parseCrl } from '../certs/crl.ts';
import { REQUEST_DEFAULTS, validatePath, type ValidationRequest } from '../certs/validation.ts';
import { createCrypto } from '../engines/registry.ts';
import { oid, sequence } from '../test/support/pki/der.ts';
import { alternativeNames, ca, crl, extendedKeyUsage, type Holder, type Key, keyFrom, keyUsage, leaf, NOW_MS } from '../test/support/pki/forge.ts';

const ROUNDS = 5;
const PER_ROUND = 300;
const crypto = createCrypto({ engine: 'openssl', forbid: [] });

function p256(): Key {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return keyFrom(privateKey, sequence(oid('1.2.840.10045.4.3.2')), 'sha256');
}

interface Chain {
  readonly root: Holder;
  readonly middle: Holder;
  readonly leaf: Holder;
}

function chain(root: Holder): Chain {
  const middle = ca('CN=middle', root, { key: p256() });
  return {
    root,
    middle,
    leaf: leaf(middle, { key: p256(), extensions: [keyUsage('digitalSignature'), extendedKeyUsage('server', 'client'), alternativeNames('dns:a.example', 'uri:spiffe://corp/a')] }),
  };
}

function request({ root, middle, leaf: end }: Chain, crls: ValidationRequest['crls'], anchors: ValidationRequest['anchors']): ValidationRequest {
  return {
    ...REQUEST_DEFAULTS,
    leaf: parseCertificate(end.der),
    intermediates: [parseCertificate(middle.der)],
    anchors: anchors.length > 0 ? anchors : [parseCertificate(root.der)],
    crls,
    ocsp: [],
    timeMs: NOW_MS,
    purpose: 'server',
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

/** Microseconds of processor time for one call. */
function cost(calls: readonly (() => void)[]): number {
  const before = process.cpuUsage();
  for (const call of calls) call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls.length;
}

export interface CertificateCosts {
  readonly parseUs: number;
  readonly firstUs: number;
  readonly firstWithCrlSignaturesUs: number;
  readonly againUs: number;
}

export function measureCertificates(): CertificateCosts {
  const root = ca('CN=root', undefined, { key: p256() });
  const anchors = [parseCertificate(root.der)];
  const rootCrl = crl(root);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const chains = Array.from({ length: PER_ROUND / 10 }, () => chain(root));
    const crls = chains.map(({ middle }) => [parseCrl(rootCrl), parseCrl(crl(middle, { revoked: Array.from({ length: 50 }, (_, i) => ({ serial: BigInt(900_000 + i) })) }))]);
    const check = (wanted: ValidationRequest): void => {
      const verdict = validatePath(wanted, crypto);
      if (!verdict.valid) throw new Error(verdict.reason);
    };
    const cold = cost(chains.map((each, i) => () => check(request(each, crls[i] ?? [], anchors))));
    const fresh = cost(chains.flatMap((each, i) => Array.from({ length: 10 }, () => () => check(request(each, crls[i] ?? [], anchors)))));
    const same = chains.map((each, i) => request(each, crls[i] ?? [], anchors));
    for (const each of same) check(each);
    const again = cost(same.flatMap((each) => Array.from({ length: 10 }, () => () => check(each))));
    const parse = cost(chains.flatMap(({ leaf: end, middle }) => [(): void => void parseCertificate(end.der), (): void => void parseCertificate(middle.der)]));
    return { cold, fresh, again, parse };
  });
  return {
    parseUs: median(rounds.map(({ parse }) => parse)),
    firstUs: median(rounds.map(({ fresh }) => fresh)),
    firstWithCrlSignaturesUs: median(rounds.map(({ cold }) => cold)),
    againUs: median(rounds.map(({ again }) => again)),
  };
}

if (import.meta.main) {
  const { parseUs, firstUs, firstWithCrlSignaturesUs, againUs } = measureCertificates();
  const line = (what: string, us: number): string => `${what.padEnd(66)}${us.toFixed(1).padStart(9)} µs\n`;
  process.stdout.write(line('reading one certificate', parseUs));
  process.stdout.write(line('verdict, first time, CRL signatures checked too', firstWithCrlSignaturesUs));
  process.stdout.write(line('verdict, first time, CRLs known', firstUs));
  process.stdout.write(line('verdict, again, without the cache of whole verdicts', againUs));
}
