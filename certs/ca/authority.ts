// Front of this folder: a certificate authority for development and tests, whose whole state is one private folder.
import { join } from 'node:path';
import type * as x509 from '@peculiar/x509';
import { type Bytes, toHex } from '../../base/bytes.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { XpsError } from '../../base/errors.ts';
import { generateIssuingKey, type IssuingKey, loadIssuingKey, randomSerial } from '../../engines/key-generation.ts';
import { CaFolder } from './ca-folder.ts';
import { type CaSettings, readSettings, writeSettings } from './ca-settings.ts';
import { certificatePem, crlPem, readCertificate, subjectKeyId } from './certificate-files.ts';
import { readPem } from '../pem.ts';
import { findRecord, type IssuedRecord, readIndex, type RevocationReason, writeIndex } from './issued-index.ts';
import type { OcspAnswers, OcspSigner } from './ocsp-answers.ts';
import { caExtensions, lastingExtensions, leafExtensions, statusExtensions } from './profiles.ts';
import type { CreateOptions, Issued, IssuedCrl, IssueRequest, RenewOptions } from './requests.ts';
import { commonName, signCertificate, signCrl, type Signer } from './signing.ts';
import { checkLabel, checkNames, fileLabel, hasNames, namesOfLabel, NO_NAMES, refuse, type SubjectNames } from './subject-names.ts';
import { DAY_MS, positiveDays, timeText, type Validity, validity, wholeSeconds } from './validity.ts';

export type { CreateOptions, Issued, IssuedCrl, IssueRequest, RenewOptions } from './requests.ts';

const ROOT_DAYS = 3650;
const INTERMEDIATE_DAYS = 730;
const LEAF_DAYS = 90;
const CRL_DAYS = 7;
const OCSP_HOURS = 24;

const CERT_FILE = 'ca.pem';
const KEY_FILE = 'ca.key';
/** Only an intermediate has it: its own certificate and those above it, without the root. */
const CHAIN_FILE = 'chain.pem';
const CRL_FILE = 'crl.pem';
const DELTA_CRL_FILE = 'delta-crl.pem';

interface CaRequest {
  readonly name: string;
  readonly days?: number;
  readonly notBeforeMs?: number;
  readonly extensions: readonly x509.Extension[];
}

interface AuthorityParts {
  readonly folder: CaFolder;
  readonly clock: Clock;
  readonly key: IssuingKey;
  readonly certificate: x509.X509Certificate;
  readonly chainPem: string;
}

export class Authority {
  readonly certificate: x509.X509Certificate;
  /** Trust anchor of a root; certificate of an intermediate. */
  readonly certFile: string;
  readonly crlFile: string;
  readonly #folder: CaFolder;
  readonly #clock: Clock;
  readonly #chainPem: string;
  readonly #signer: Signer;

  private constructor({ folder, clock, key, certificate, chainPem }: AuthorityParts) {
    this.#folder = folder;
    this.#clock = clock;
    this.#chainPem = chainPem;
    this.#signer = { key, subject: certificate.subjectName, keyId: subjectKeyId(certificate) };
    this.certificate = certificate;
    this.certFile = folder.file(CERT_FILE);
    this.crlFile = folder.file(CRL_FILE);
  }

  /** Makes key, certificate and a first, empty CRL. Throws `ca_exists` rather than overwrite a key. */
  static async create(dir: string, options: CreateOptions): Promise<Authority> {
    checkLabel(options.name);
    const clock = options.clock ?? systemClock;
    const { parent } = options;
    const folder = await CaFolder.make(dir);
    const authority = await folder.locked(async () => {
      for (const file of [KEY_FILE, CERT_FILE]) {
        if (folder.has(file) && options.force !== true) throw new XpsError('ca_exists', { detail: folder.file(file) });
      }
      const key = await generateIssuingKey(options.keyType ?? 'p256');
      const certificate = parent === undefined ? await selfSigned(key, options, clock) : await parent.#certify(key, { ...options, extensions: caExtensions({ pathLength: options.pathLength ?? 0, constraints: options.constraints }) });
      const chainPem = parent === undefined ? '' : `${certificatePem(certificate)}${parent.#chainPem}`;

      await folder.writeKey(KEY_FILE, key.toPem());
      await folder.write(CERT_FILE, certificatePem(certificate));
      if (chainPem !== '') await folder.write(CHAIN_FILE, chainPem);
      await writeIndex(folder, []);
      await writeSettings(folder, {
        version: 1,
        name: options.name,
        crlNumber: 0,
        baseCrlNumber: 0,
        crlDays: options.crlDays ?? CRL_DAYS,
        urls: options.urls ?? {},
      });
      return new Authority({ folder, clock, key, certificate, chainPem });
    });
    await authority.crl();
    return authority;
  }

  /** Throws `ca_missing` when there is none. */
  static async open(dir: string, options: { readonly clock?: Clock } = {}): Promise<Authority> {
    const folder = await CaFolder.at(dir).catch((thrown: unknown) => {
      throw thrown instanceof XpsError && thrown.detail.endsWith('does not exist') ? new XpsError('ca_missing', { detail: dir }) : thrown;
    });
    await readSettings(folder);
    const [certPem, keyPem] = [await folder.read(CERT_FILE), await folder.readKey(KEY_FILE)];
    if (certPem === undefined || keyPem === undefined) throw new XpsError('ca_missing', { detail: `${dir} has no ${CERT_FILE} or no ${KEY_FILE}` });
    const key = loadIssuingKey(keyPem);
    const certificate = readCertificate(certPem, folder.file(CERT_FILE));
    if (toHex(new Uint8Array(certificate.publicKey.rawData)) !== toHex(key.spki)) {
      throw new XpsError('ca_folder_unusable', { detail: `${CERT_FILE} and ${KEY_FILE} in ${dir} do not belong together` });
    }
    return new Authority({ folder, clock: options.clock ?? systemClock, key, certificate, chainPem: (await folder.read(CHAIN_FILE)) ?? '' });
  }

  get name(): string {
    return this.certificate.subject;
  }

  async issued(): Promise<readonly IssuedRecord[]> {
    return readIndex(this.#folder);
  }

  /** The newest certificate of that name, or the one with that serial number. Throws `ca_certificate_unknown`. */
  async find(serialOrName: string): Promise<IssuedRecord> {
    return findRecord(await this.issued(), serialOrName);
  }

  /** Where a file of a record lies. */
  path(file: string): string {
    return this.#folder.file(file);
  }

  /** A certificate with a key of its own: `issued/NAME.pem` (whole chain) and `issued/NAME.key`. */
  async issue(request: IssueRequest): Promise<Issued> {
    checkLabel(request.name);
    const given: SubjectNames = {
      dns: request.dns ?? [],
      uris: request.uris ?? [],
      ips: request.ips ?? [],
      emails: request.emails ?? [],
    };
    const isSilent = request.dns === undefined && !hasNames(given) && request.purpose !== 'ocsp';
    const names = isSilent ? namesOfLabel(request.name) : given;
    checkNames(names);
    const label = fileLabel(request.name);
    const files = { cert: join('issued', `${label}.pem`), key: join('issued', `${label}.key`) };
    return this.#folder.locked(async () => {
      for (const file of [files.cert, files.key]) {
        if (this.#folder.has(file) && request.force !== true) throw new XpsError('ca_exists', { detail: this.#folder.file(file) });
      }
      const key = request.spki === undefined ? await generateIssuingKey(request.keyType ?? 'p256') : undefined;
      return this.#issueLeaf({ ...request, names }, files, key ?? { spki: request.spki as Bytes });
    });
  }

  /** The same names and purpose again, valid from now; the files are replaced, the old certificate stays valid. */
  async renew(serialOrName: string, options: RenewOptions = {}): Promise<Issued> {
    return this.#folder.locked(async () => {
      const record = findRecord(await readIndex(this.#folder), serialOrName);
      const { purpose, names, keyType } = record;
      if (purpose === 'ca') return refuse(`"${record.name}" is a CA: renew it with its own folder`);
      if (record.revoked !== undefined) return refuse(`"${record.name}" is revoked: issue a new certificate instead`);
      const files = { cert: record.file, key: record.file.replace(/\.pem$/, '.key') };
      const request = { name: record.name, purpose, names, mustStaple: record.isMustStaple, ...(options.days !== undefined && { days: options.days }) };
      return this.#issueLeaf(request, files, await this.#keyForRenewal(record.file, files.key, keyType, options.keepKey === true));
    });
  }

  /**
   * A new certificate of the CA itself, for the same name and key: what it issued stays good. An intermediate gets it from
   * its `parent`. Default days as in `create`.
   */
  async renewSelf(options: { readonly days?: number; readonly parent?: Authority } = {}): Promise<Authority> {
    const { parent, days } = options;
    const { key } = this.#signer;
    const isRoot = this.#chainPem === '';
    if (!isRoot && parent === undefined) return refuse('an intermediate gets a new certificate from its parent: name it');
    const { name } = await readSettings(this.#folder);
    const extensions = lastingExtensions(this.certificate);
    const certificate =
      isRoot || parent === undefined
        ? await signCertificate(
            { serial: randomSerial(), subject: this.#signer.subject, spki: key.spki, ...validity({ days, defaultDays: ROOT_DAYS, notBeforeMs: undefined }, this.#nowMs()), extensions },
            { key },
          )
        : await parent.#certify(key, { name, extensions, ...(days !== undefined && { days }) });
    const chainPem = isRoot || parent === undefined ? '' : `${certificatePem(certificate)}${parent.#chainPem}`;
    await this.#folder.locked(async () => {
      await this.#folder.write(CERT_FILE, certificatePem(certificate));
      if (chainPem !== '') await this.#folder.write(CHAIN_FILE, chainPem);
    });
    return new Authority({ folder: this.#folder, clock: this.#clock, key, certificate, chainPem });
  }

  /** Takes effect with the next CRL or OCSP answer. Revoking again changes nothing. */
  async revoke(serialOrName: string, reason: RevocationReason = 'unspecified'): Promise<IssuedRecord> {
    return this.#folder.locked(async () => {
      const records = await readIndex(this.#folder);
      const record = findRecord(records, serialOrName);
      if (record.revoked !== undefined) return record;
      const { baseCrlNumber } = await readSettings(this.#folder);
      const revoked = { ...record, revoked: { at: timeText(this.#nowMs()), reason, afterCrl: baseCrlNumber } };
      await writeIndex(this.#folder, records.map((other) => (other === record ? revoked : other)));
      return revoked;
    });
  }

  /** A complete CRL of everything revoked so far, in `crl.pem`. */
  async crl(options: { readonly days?: number } = {}): Promise<IssuedCrl> {
    return this.#issueCrl(false, options.days);
  }

  /** What was revoked since the newest complete CRL, in `delta-crl.pem` (RFC 5280 §5.2.4). */
  async deltaCrl(options: { readonly days?: number } = {}): Promise<IssuedCrl> {
    return this.#issueCrl(true, options.days);
  }

  /**
   * Answers about everything that this CA has issued. `responder`: the name of a certificate that was issued for
   * `ocsp` and signs in place of the CA; `hours`: how long an answer is good for, default 24.
   */
  async ocsp(options: { readonly responder?: string; readonly hours?: number } = {}): Promise<OcspAnswers> {
    // Loaded here: the library for OCSP takes longer to load than all the rest of the CA.
    const { OcspAnswers } = await import('./ocsp-answers.ts');
    return new OcspAnswers({
      issuerName: new Uint8Array(this.certificate.subjectName.toArrayBuffer()),
      issuerSpki: this.#signer.key.spki,
      signer: options.responder === undefined ? { key: this.#signer.key, certificate: undefined } : await this.#delegate(options.responder),
      records: () => this.issued(),
      clock: this.#clock,
      validityMs: (options.hours ?? OCSP_HOURS) * 3_600_000,
    });
  }

  async #delegate(name: string): Promise<OcspSigner> {
    const record = findRecord(await this.issued(), name);
    if (record.purpose !== 'ocsp') refuse(`"${record.name}" was not issued for OCSP; use --purpose ocsp`);
    const [certPem, keyPem] = [await this.#folder.read(record.file), await this.#folder.readKey(record.file.replace(/\.pem$/, '.key'))];
    if (certPem === undefined || keyPem === undefined) throw new XpsError('ca_folder_unusable', { detail: `certificate or key of "${record.name}" is missing` });
    return { key: loadIssuingKey(keyPem), certificate: new Uint8Array(readCertificate(certPem, record.file).rawData) };
  }

  async #issueCrl(isDelta: boolean, days: number | undefined): Promise<IssuedCrl> {
    return this.#folder.locked(async () => {
      const settings = await readSettings(this.#folder);
      const all = (await readIndex(this.#folder)).filter((record) => record.revoked !== undefined);
      const revoked = isDelta ? all.filter((record) => record.revoked?.afterCrl === settings.baseCrlNumber) : all;
      const number = settings.crlNumber + 1;
      const thisUpdateMs = this.#nowMs();
      const nextUpdateMs = wholeSeconds(thisUpdateMs + positiveDays(days ?? settings.crlDays) * DAY_MS);
      const baseNumber = isDelta ? settings.baseCrlNumber : undefined;
      const deltaUrl = isDelta ? undefined : settings.urls.deltaCrl;
      const crl = await signCrl({ number, baseNumber, thisUpdateMs, nextUpdateMs, deltaUrl, revoked }, this.#signer);

      const next: CaSettings = { ...settings, crlNumber: number, baseCrlNumber: isDelta ? settings.baseCrlNumber : number };
      const file = isDelta ? DELTA_CRL_FILE : CRL_FILE;
      // The number is spent first: after a crash between both, no two CRLs carry the same one.
      await writeSettings(this.#folder, next);
      await this.#folder.write(file, crlPem(crl));
      return { pem: crlPem(crl), file: this.#folder.file(file), number, revoked: revoked.length, nextUpdateMs };
    });
  }

  /** Within the lock. */
  async #issueLeaf(
    request: Omit<IssueRequest, keyof SubjectNames> & { readonly names: SubjectNames },
    files: { readonly cert: string; readonly key: string },
    key: IssuingKey | { readonly spki: Bytes },
  ): Promise<Issued> {
    const { name, names, purpose = 'peer', mustStaple = false } = request;
    const validity = this.#validity(request.days, LEAF_DAYS, request.notBeforeMs);
    const { urls } = await readSettings(this.#folder);
    const serial = randomSerial();
    const certificate = await signCertificate(
      {
        serial,
        subject: commonName(name),
        spki: key.spki,
        ...validity,
        // The status of a responder's certificate cannot be asked of the responder.
        extensions: [...leafExtensions({ purpose, names, isMustStaple: mustStaple }), ...(purpose === 'ocsp' ? [] : statusExtensions(urls))],
      },
      this.#signer,
    );
    await this.#check(certificate);
    const isOurs = 'toPem' in key;
    const chainPem = `${certificatePem(certificate)}${this.#chainPem}`;
    await this.#record({
      serial: toHex(serial),
      name,
      purpose,
      keyType: isOurs ? key.type : 'request',
      names,
      notBefore: timeText(validity.notBeforeMs),
      notAfter: timeText(validity.notAfterMs),
      file: files.cert,
      isMustStaple: mustStaple,
    });
    if (isOurs) await this.#folder.writeKey(files.key, key.toPem());
    await this.#folder.write(files.cert, chainPem);
    return {
      serial: toHex(serial),
      name,
      names,
      notAfterMs: validity.notAfterMs,
      certificate,
      chainPem,
      certFile: this.#folder.file(files.cert),
      keyFile: isOurs ? this.#folder.file(files.key) : undefined,
    };
  }

  async #keyForRenewal(certFile: string, keyFile: string, keyType: IssuedRecord['keyType'], keepsKey: boolean): Promise<IssuingKey | { spki: Bytes }> {
    if (keyType !== 'request') {
      if (!keepsKey) return generateIssuingKey(keyType);
      const pem = await this.#folder.readKey(keyFile);
      if (pem === undefined) throw new XpsError('ca_folder_unusable', { detail: `${this.#folder.file(keyFile)} does not exist` });
      return loadIssuingKey(pem);
    }
    const pem = await this.#folder.read(certFile);
    if (pem === undefined) throw new XpsError('ca_folder_unusable', { detail: `${this.#folder.file(certFile)} does not exist` });
    return { spki: new Uint8Array(readCertificate(pem, certFile).publicKey.rawData) };
  }

  /** A certificate for another CA, which keeps its key in a folder of its own. */
  async #certify(key: IssuingKey, options: CaRequest): Promise<x509.X509Certificate> {
    return this.#folder.locked(async () => {
      const validity = this.#validity(options.days, INTERMEDIATE_DAYS, options.notBeforeMs);
      const { urls } = await readSettings(this.#folder);
      const serial = randomSerial();
      const certificate = await signCertificate(
        {
          serial,
          subject: commonName(options.name),
          spki: key.spki,
          ...validity,
          extensions: [...options.extensions, ...statusExtensions(urls)],
        },
        this.#signer,
      );
      await this.#check(certificate);
      const file = join('issued', `${fileLabel(options.name)}.pem`);
      await this.#record({
        serial: toHex(serial),
        name: options.name,
        purpose: 'ca',
        keyType: key.type,
        names: NO_NAMES,
        notBefore: timeText(validity.notBeforeMs),
        notAfter: timeText(validity.notAfterMs),
        file,
        isMustStaple: false,
      });
      await this.#folder.write(file, certificatePem(certificate));
      return certificate;
    });
  }

  async #check(certificate: x509.X509Certificate): Promise<void> {
    // Loaded here: reading a CA or writing a CRL needs no validator.
    const { checkAcceptable } = await import('./own-judgement.ts');
    const chain = this.#chainPem === '' ? certificatePem(this.certificate) : this.#chainPem;
    checkAcceptable(new Uint8Array(certificate.rawData), readPem(chain, ['CERTIFICATE']).map(({ der }) => der));
  }

  async #record(record: IssuedRecord): Promise<void> {
    await writeIndex(this.#folder, [...(await readIndex(this.#folder)), record]);
  }

  #validity(days: number | undefined, defaultDays: number, notBeforeMs: number | undefined): Validity {
    const own = { notBeforeMs: this.certificate.notBefore.getTime(), notAfterMs: this.certificate.notAfter.getTime() };
    return validity({ days, defaultDays, notBeforeMs }, this.#nowMs(), own);
  }

  #nowMs(): number {
    return wholeSeconds(this.#clock.wallMs());
  }
}

async function selfSigned(key: IssuingKey, options: CreateOptions, clock: Clock): Promise<x509.X509Certificate> {
  const { name, days, notBeforeMs, pathLength, constraints } = options;
  return signCertificate(
    {
      serial: randomSerial(),
      subject: commonName(name),
      spki: key.spki,
      ...validity({ days, defaultDays: ROOT_DAYS, notBeforeMs }, clock.wallMs()),
      extensions: caExtensions({ pathLength, constraints }),
    },
    { key },
  );
}
