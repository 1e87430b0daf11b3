// Messages: what is encoded is decoded, and nothing else is.
import t from 'tap';
import * as fc from 'fast-check';
import { concat, toHex, type Bytes } from '../../base/bytes.ts';
import { decodeClose, decodePing, encodeClose, encodePing } from '../../channel/messages/control-messages.ts';
import { decodeEnd, decodeOpen, decodeReset, encodeEnd, encodeOpen, encodeReset, RESET_REASONS } from '../../channel/messages/stream-messages.ts';
import { bodyLimit, MESSAGE, SHARE_LENGTHS } from '../../handshake/codepoints.ts';
import { decodeGeneration, encodeGeneration } from '../../handshake/messages/bare.ts';
import { decodeCertificate, encodeCertificate } from '../../handshake/messages/certificate.ts';
import { decodeCertificateVerify, encodeCertificateVerify } from '../../handshake/messages/certificate-verify.ts';
import { clientHelloMessage, decodeClientHello, encodeClientHelloCore } from '../../handshake/messages/client-hello.ts';
import { decodeFinished, encodeFinished } from '../../handshake/messages/finished.ts';
import type { Message } from '../../handshake/messages/message.ts';
import { decodeRekeyFinish, decodeRekeyRequest, decodeRekeyResponse, encodeRekeyFinish, encodeRekeyRequest, encodeRekeyResponse, finishBoundPart, finishSignedPart, responseSignedPart } from '../../handshake/messages/rekey.ts';
import { decodeRetry, encodeRetry } from '../../handshake/messages/retry.ts';
import { decodeServerHello, encodeServerHello } from '../../handshake/messages/server-hello.ts';
import { decodeServerParameters, encodeServerParameters } from '../../handshake/messages/server-parameters.ts';
import { decodeTicket, encodeTicket } from '../../handshake/messages/ticket.ts';
import { reasonOf } from '../support/reason-of.ts';

interface Codec<T> {
  readonly name: string;
  readonly arbitrary: fc.Arbitrary<T>;
  readonly encode: (value: T) => Message;
  /** Of what `encode` made: the parts that must come back. */
  readonly decode: (body: Bytes) => unknown;
  readonly expected: (value: T) => unknown;
}

const exactly = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const upTo = (max: number, min = 0): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: min, maxLength: max });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const list = fc.uniqueArray(u16, { minLength: 1, maxLength: 32 });
const extensions = fc.uniqueArray(fc.integer({ min: 2, max: 0x7fff }), { maxLength: 4 }).chain((types) =>
  fc.tuple(...types.map(() => upTo(30))).map((bodies) => new Map(types.map((type, i) => [type, bodies[i] as Bytes]))),
);
const credential = fc.record({ chain: fc.array(upTo(200, 1), { minLength: 1, maxLength: 6 }), staple: upTo(100) });
const verify = fc.record({ scheme: u16, signature: upTo(200, 1) });

function codec<T>(name: string, arbitrary: fc.Arbitrary<T>, encode: (value: T) => Message, decode: (body: Bytes) => unknown, expected: (value: T) => unknown = (value) => value): Codec<T> {
  return { name, arbitrary, encode, decode, expected };
}

const hello = fc.record({
  random: exactly(32), suites: list, schemes: list, serviceTag: exactly(16), recordLimit: u32, extensions,
  group: fc.constantFrom('X25519' as const, 'XWING' as const), cookie: upTo(64), ticket: fc.option(exactly(32), { nil: undefined }),
}).chain((fields) => exactly(SHARE_LENGTHS[fields.group]).map((share) => Object.assign({ share }, fields)));

const CODECS: readonly Codec<never>[] = [
  codec('ClientHello', hello, ({ cookie, ticket, ...fields }) => clientHelloMessage(encodeClientHelloCore(
    { ...fields, extensions: new Map([...fields.extensions, ...(ticket === undefined ? [] : [[1, ticket] as const])]) },
    { ...(ticket && { binder: () => new Uint8Array(48) }), gate: () => new Uint8Array(32) },
  ), cookie), (body) => {
    const { random, suites, schemes, serviceTag, recordLimit, group, share, cookie, ticket } = decodeClientHello(body);
    return { random, suites, schemes, serviceTag, recordLimit, group, share, cookie, ticket };
  }, ({ random, suites, schemes, serviceTag, recordLimit, group, share, cookie, ticket }) =>
    ({ random, suites, schemes, serviceTag, recordLimit, group, share, cookie, ticket })),
  codec('ServerHello', fc.record({ random: exactly(32), suite: u16, answer: upTo(1120, 32), recordLimit: u32, isResumed: fc.boolean() }), (value) => encodeServerHello(value, new Map()), decodeServerHello),
  codec('Retry', upTo(64, 1), encodeRetry, decodeRetry),
  codec('ServerParameters', fc.record({
    suites: list, schemes: list, clientAuth: fc.constantFrom('required' as const, 'optional' as const, 'none' as const),
    isStapleRequired: fc.boolean(), caHints: fc.array(exactly(32), { maxLength: 32 }), trustDigest: exactly(32),
  }), (value) => encodeServerParameters(value, new Map()), decodeServerParameters),
  codec('Certificate', credential, encodeCertificate, decodeCertificate),
  codec('CertificateVerify', verify, encodeCertificateVerify, decodeCertificateVerify),
  codec('Finished', exactly(48), encodeFinished, decodeFinished),
  codec('RekeyWish', u32, (generation) => encodeGeneration(MESSAGE.rekeyWish, generation), (body) => decodeGeneration(body, 'RekeyWish')),
  codec('RekeyRequest', fc.record({ generation: u32, group: fc.constant('XWING' as const), share: exactly(1216) }), encodeRekeyRequest, decodeRekeyRequest),
  codec('RekeyResponse', fc.record({ generation: u32, answer: exactly(32), credential, verify }),
    (value) => encodeRekeyResponse(responseSignedPart(value.generation, value.answer, value.credential), value.verify),
    (body) => {
      const { signedPart: _, ...rest } = decodeRekeyResponse(body, 'X25519');
      return rest;
    }),
  codec('RekeyFinish', fc.record({ generation: u32, credential, verify, verifyData: exactly(48) }),
    (value) => encodeRekeyFinish(finishBoundPart(finishSignedPart(value.generation, value.credential), value.verify), value.verifyData),
    (body) => {
      const { signedPart: _, boundPart: __, ...rest } = decodeRekeyFinish(body);
      return rest;
    }),
  codec('Ticket', fc.record({ lifetimeS: fc.integer({ min: 1, max: 86_400 }), ticket: exactly(32), nonce: exactly(16) }), encodeTicket, decodeTicket),
  codec('Open', fc.record({ number: u64, destination: fc.constantFrom({ kind: 'configured' as const }, { kind: 'named' as const, address: 'a.b:1' }, { kind: 'original' as const, address: '[::1]:65535' }) }), encodeOpen, decodeOpen),
  codec('End', fc.record({ number: u64, bytes: u64 }), encodeEnd, decodeEnd),
  codec('Reset', fc.record({ number: u64, reason: fc.constantFrom(...RESET_REASONS) }), encodeReset, decodeReset),
  codec('Close', u64, encodeClose, decodeClose),
  codec('Ping', exactly(8), (token) => encodePing(MESSAGE.ping, token), decodePing),
] as unknown as readonly Codec<never>[];

/** Views and arrays of the same bytes are the same, whatever the order of fields. */
function plainly(value: unknown): string {
  return JSON.stringify(value, (_, entry: unknown) => {
    if (ArrayBuffer.isView(entry)) return toHex(entry as Bytes);
    if (typeof entry === 'bigint') return entry.toString();
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return entry;
    return Object.fromEntries(Object.entries(entry).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

for (const { name, arbitrary, encode, decode, expected } of CODECS) {
  t.test(name, async (t) => {
    fc.assert(fc.property(arbitrary, (value) => {
      const message = encode(value);
      return message.body.length <= (bodyLimit(message.type) ?? -1) && plainly(decode(message.body)) === plainly(expected(value));
    }), { numRuns: 60 });
    t.pass('decode after encode changes nothing');
    fc.assert(fc.property(arbitrary, fc.nat(), (value, cut) => {
      const { body } = encode(value);
      return reasonOf(() => decode(body.subarray(0, cut % body.length))) === 'malformed'
        && reasonOf(() => decode(concat([body, Uint8Array.of(0)]))) === 'malformed';
    }), { numRuns: 60 });
    t.pass('a byte less, or one more, is malformed');
    fc.assert(fc.property(upTo(400), (noise) => {
      const reason = reasonOf(() => decode(noise));
      return reason === undefined || reason === 'malformed' || reason === 'version_unsupported';
    }), { numRuns: 100 });
    t.pass('noise is refused in order');
  });
}

t.test('a hello is a multiple of 512 bytes without its cookie, with the least padding', async (t) => {
  fc.assert(fc.property(hello, ({ cookie, ticket, ...fields }) => {
    const macs = { ...(ticket && { binder: () => new Uint8Array(48) }), gate: () => new Uint8Array(32) };
    const withTicket = { ...fields, extensions: new Map([...fields.extensions, ...(ticket === undefined ? [] : [[1, ticket] as const])]) };
    const { whole } = clientHelloMessage(encodeClientHelloCore(withTicket, macs), cookie);
    return (whole.length - cookie.length) % 512 === 0;
  }));
  t.pass();
});
