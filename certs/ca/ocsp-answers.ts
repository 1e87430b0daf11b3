import { BitString, Constructed, Enumerated, fromBER, GeneralizedTime, Null, OctetString, Primitive } from 'asn1js';
import * as pkijs from 'pkijs';
import { type Bytes, equalBytes, fromHex, toHex } from '../../base/bytes.ts';
import type { Clock } from '../../base/clock.ts';
import { XpsError } from '../../base/errors.ts';
import { type IssuingKey, sha256 } from '../../engines/key-generation.ts';
import { EXTENSION, HASH, OCSP_BASIC_RESPONSE } from '../oids.ts';
import { sha1Identifier } from '../sha1.ts';
import { integerOctets, octetString, oid, sequence } from './der-writer.ts';
import { type IssuedRecord, REVOCATION_REASONS } from './issued-index.ts';
import { parseOcspRequest } from './ocsp-request.ts';
import { publicKeyBits } from './profiles.ts';

/** Who answers: the CA itself, or a responder with a certificate for that purpose (RFC 6960 §4.2.2.2). */
export interface OcspSigner {
  readonly key: IssuingKey;
  /** DER, sent along; undefined when the CA signs, whose certificate everybody has. */
  readonly certificate: Bytes | undefined;
}

export interface OcspAnswersOptions {
  /** DER of the CA's subject and SubjectPublicKeyInfo: what requests name it by. */
  readonly issuerName: Bytes;
  readonly issuerSpki: Bytes;
  readonly signer: OcspSigner;
  readonly records: () => Promise<readonly IssuedRecord[]>;
  readonly clock: Clock;
  /** From thisUpdate to nextUpdate. */
  readonly validityMs: number;
}

/** RFC 6960 §4.2.1 OCSPResponseStatus. */
const STATUS = { successful: 0, malformedRequest: 1, internalError: 2, unauthorized: 6 } as const;

/** ecdsa-with-SHA256 and so on; only RSA writes parameters (RFC 4055 §5, RFC 5758 §3.2, RFC 8410 §3). */
const SIGNATURE_OIDS: Readonly<Record<string, string>> = {
  ed25519: '1.3.101.112',
  ecdsa_p256_sha256: '1.2.840.10045.4.3.2',
  ecdsa_p384_sha384: '1.2.840.10045.4.3.3',
  rsa_pkcs1_sha256: '1.2.840.113549.1.1.11',
};

/** The digests by which a request may name the issuer. SHA-1 is what RFC 5019 clients use; it proves nothing here. */
const IDENTIFIER_DIGESTS: Readonly<Record<string, (bytes: Bytes) => Bytes>> = { [HASH.sha1]: sha1Identifier, [HASH.sha256]: sha256 };

/** What is known of one certificate; without a record the CA never issued it. */
interface Single {
  readonly certId: Bytes;
  readonly record: IssuedRecord | undefined;
}

/** Signs OCSP answers about the certificates of one CA. */
export class OcspAnswers {
  readonly #options: OcspAnswersOptions;

  constructor(options: OcspAnswersOptions) {
    this.#options = options;
  }

  /** An answer that nobody asked for yet: to be stapled, or served from a file. */
  answerFor(record: IssuedRecord): Bytes {
    return this.#answer([{ certId: this.#certIdOf(fromHex(record.serial)), record }], undefined);
  }

  /** The answer to a request; an error status for one that is malformed or about another CA. Never throws for what was sent. */
  async answer(request: Bytes): Promise<Bytes> {
    let parsed: ReturnType<typeof parseOcspRequest>;
    try {
      parsed = parseOcspRequest(request);
    } catch {
      return errorAnswer(STATUS.malformedRequest);
    }
    const isOurs = parsed.asked.every(({ hashAlgorithm, issuerNameHash, issuerKeyHash }) => {
      const digest = IDENTIFIER_DIGESTS[hashAlgorithm];
      if (digest === undefined) return false;
      const { issuerName, issuerSpki } = this.#options;
      return equalBytes(digest(issuerName), issuerNameHash) && equalBytes(digest(publicKeyBits(issuerSpki)), issuerKeyHash);
    });
    if (!isOurs) return errorAnswer(STATUS.unauthorized);
    try {
      const bySerial = new Map((await this.#options.records()).map((record) => [record.serial, record]));
      const singles = parsed.asked.map(({ certId, serial }) => ({ certId, record: bySerial.get(toHex(serial)) }));
      return this.#answer(singles, parsed.nonce);
    } catch {
      return errorAnswer(STATUS.internalError);
    }
  }

  #answer(singles: readonly Single[], nonce: Bytes | undefined): Bytes {
    const { signer, clock, validityMs } = this.#options;
    const now = new Date(Math.floor(clock.wallMs() / 1000) * 1000);
    const nextUpdate = new Date(now.getTime() + Math.max(1, Math.floor(validityMs / 1000)) * 1000);
    const basic = new pkijs.BasicOCSPResponse();
    const { tbsResponseData } = basic;
    tbsResponseData.responderID = new OctetString({ valueHex: buffer(sha1Identifier(publicKeyBits(signer.key.spki))) });
    tbsResponseData.producedAt = now;
    tbsResponseData.responses = singles.map(
      ({ certId, record }) =>
        new pkijs.SingleResponse({ certID: new pkijs.CertID({ schema: fromBER(buffer(certId)).result }), certStatus: statusOf(record), thisUpdate: now, nextUpdate }),
    );
    if (nonce !== undefined) {
      tbsResponseData.responseExtensions = [new pkijs.Extension({ extnID: EXTENSION.ocspNonce, critical: false, extnValue: buffer(nonce) })];
    }
    const tbs = new Uint8Array(tbsResponseData.toSchema(true).toBER());
    tbsResponseData.tbsView = tbs;
    basic.signatureAlgorithm = signatureAlgorithm(signer.key);
    basic.signature = new BitString({ valueHex: buffer(signer.key.sign(tbs)) });
    if (signer.certificate !== undefined) basic.certs = [pkijs.Certificate.fromBER(buffer(signer.certificate))];
    return encoded(STATUS.successful, new Uint8Array(basic.toSchema().toBER()));
  }

  #certIdOf(serial: Bytes): Bytes {
    const { issuerName, issuerSpki } = this.#options;
    return sequence(
      sequence(oid(HASH.sha1), DER_NULL),
      octetString(sha1Identifier(issuerName)),
      octetString(sha1Identifier(publicKeyBits(issuerSpki))),
      integerOctets(serial),
    );
  }
}

const DER_NULL: Bytes = Uint8Array.of(0x05, 0);

/** CertStatus: good [0] NULL, revoked [1] { when, [0] reason }, unknown [2] NULL. */
function statusOf(record: IssuedRecord | undefined): Primitive | Constructed {
  if (record === undefined) return new Primitive({ idBlock: { tagClass: 3, tagNumber: 2 } });
  const { revoked } = record;
  if (revoked === undefined) return new Primitive({ idBlock: { tagClass: 3, tagNumber: 0 } });
  const when = new GeneralizedTime({ valueDate: new Date(revoked.at) });
  const reason = new Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [new Enumerated({ value: REVOCATION_REASONS[revoked.reason] })] });
  return new Constructed({ idBlock: { tagClass: 3, tagNumber: 1 }, value: revoked.reason === 'unspecified' ? [when] : [when, reason] });
}

function signatureAlgorithm(key: IssuingKey): pkijs.AlgorithmIdentifier {
  const algorithmId = SIGNATURE_OIDS[key.signatureAlgorithm];
  if (algorithmId === undefined) throw new XpsError('internal_error', { detail: `no identifier for ${key.signatureAlgorithm}` });
  return key.type === 'rsa' ? new pkijs.AlgorithmIdentifier({ algorithmId, algorithmParams: new Null() }) : new pkijs.AlgorithmIdentifier({ algorithmId });
}

function errorAnswer(status: number): Bytes {
  return encoded(status, undefined);
}

function encoded(status: number, basic: Bytes | undefined): Bytes {
  const response = new pkijs.OCSPResponse({ responseStatus: new Enumerated({ value: status }) });
  if (basic !== undefined) {
    response.responseBytes = new pkijs.ResponseBytes({ responseType: OCSP_BASIC_RESPONSE, response: new OctetString({ valueHex: buffer(basic) }) });
  }
  return new Uint8Array(response.toSchema().toBER());
}

function buffer(bytes: Bytes): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
