import type { Mutant } from './mutant.ts';

const HOSTILE = 'test/channel/hostile';

/** A check that is never made: the condition of its `if` is false. */
function without(name: string, file: string, condition: string, ...tests: readonly string[]): Mutant {
  return { name, tests, changes: [{ file, find: `if (${condition})`, replace: 'if (false)' }] };
}

/** Mutants of handshake/, record/ and channel/. */
export const MUTANTS: readonly Mutant[] = [
  without('skip Finished', 'handshake/proofs.ts', '!crypto.equal(secrets.finished(side, transcript), verifyData)', `${HOSTILE}/finished-and-binder.test.ts`),
  without('skip the signature', 'handshake/proofs.ts', 'scheme === undefined || !crypto.signature.verify(scheme, key, content, verify.signature)', `${HOSTILE}/signatures.test.ts`),
  without('take any signature scheme', 'handshake/proofs.ts', 'verify.scheme !== expected', `${HOSTILE}/signatures.test.ts`),
  {
    name: 'sign the same for every role',
    tests: [`${HOSTILE}/signatures.test.ts`],
    changes: [{ file: 'handshake/signed-content.ts', find: '`XPScerpto channel v1, ${purpose}`', replace: '`XPScerpto channel v1, ${purpose.length > 99 ? purpose : \'server\'}`' }],
  },
  {
    name: 'reuse a nonce',
    tests: ['test/record/nonce.test.ts'],
    changes: [{ file: 'record/nonce.ts', find: 'this.#next = sequence + 1;', replace: 'this.#next = sequence === 3 ? 3 : sequence + 1;' }],
  },
  without('go on beyond the hard limit of a key', 'record/nonce.ts', 'sequence >= HARD_RECORD_LIMIT', 'test/record/nonce.test.ts'),
  without('accept trailing bytes', 'base/bytes.ts', 'this.remaining !== 0', 'test/handshake/codecs.test.ts'),
  without('ignore the count of Close', 'channel/session.ts', 'bytes !== this.#lane.totalReceived', `${HOSTILE}/streams-and-close.test.ts`),
  without('ignore the count of End', 'channel/streams.ts', 'end.bytes !== BigInt(this.#receivedBytes)', `${HOSTILE}/streams-and-close.test.ts`),
  {
    name: 'let late bytes of a stream reach its application',
    tests: [`${HOSTILE}/streams-and-close.test.ts`],
    changes: [{ file: 'channel/streams.ts', find: "return this.#sending !== 'reset';", replace: 'return true;' }],
  },
  without('accept the old epoch', 'record/opener.ts', 'header.epoch !== (this.epoch & 0xffff)', `${HOSTILE}/rekey.test.ts`),
  {
    name: 'leave the header out of what is authenticated',
    tests: ['test/record/nonce.test.ts'],
    changes: [{ file: 'record/nonce.ts', find: 'this.#aad.set(header);', replace: '' }],
  },
  {
    name: 'release plaintext although the tag is wrong',
    tests: [`${HOSTILE}/records.test.ts`],
    changes: [{ file: 'record/opener.ts', find: 'if (!this.#cipher.open(nonce, aad, sealed, inner))', replace: 'if (!this.#cipher.open(nonce, aad, sealed, inner) && false)' }],
  },
  {
    name: 'open records after a failure',
    tests: ['test/record/sealing.test.ts'],
    changes: [{ file: 'record/opener.ts', find: "if (this.#isDead) throw new XpsError('internal_error', { detail: 'a record was opened after a failure' });\n    this.#isDead = true;", replace: '' }],
  },
  {
    name: 'forget the client certificate in the key schedule',
    tests: ['test/channel/vectors.test.ts'],
    changes: [
      { file: 'handshake/client-authentication.ts', find: 'transcript.add(certificate.whole);', replace: '' },
      { file: 'handshake/server-authentication.ts', find: "const leaf = client.chain[0];\n    transcript.add(message.whole);", replace: 'const leaf = client.chain[0];' },
    ],
  },
  without('skip the check of the cookie', 'handshake/server-opening.ts', '!this.#settings.cookies.isValid(hello.core, hello.cookie)', `${HOSTILE}/negotiation.test.ts`),
  {
    name: 'accept a second Retry',
    tests: ['test/handshake/flow.test.ts'],
    changes: [{
      file: 'handshake/flow.ts',
      find: "row('C wait hello after retry', MESSAGE.serverHello, 'plain', 'C wait parameters'),",
      replace: "row('C wait hello after retry', MESSAGE.serverHello, 'plain', 'C wait parameters'),\n  row('C wait hello after retry', MESSAGE.retry, 'plain', 'C wait hello after retry'),",
    }],
  },
  without('skip the gate', 'handshake/server-opening.ts', '!crypto.equal(hello.gate, early.gate(hello.gateInput))', `${HOSTILE}/negotiation.test.ts`),
  without('skip the binder', 'handshake/server-opening.ts', '!this.#settings.crypto.equal(pre.binder(hello.binderInput), hello.binder)', `${HOSTILE}/finished-and-binder.test.ts`),
  without('accept a downgrade of the suite', 'handshake/client-opening.ts', 'expected.id !== suite.id', `${HOSTILE}/negotiation.test.ts`),
  without('accept the own random', 'handshake/client-opening.ts', 'equalBytes(hello.random, this.#offer.random)', `${HOSTILE}/shares.test.ts`),
  without('admit an anonymous client where one is required', 'handshake/server-authentication.ts', "clientAuth === 'required'", `${HOSTILE}/certificates.test.ts`),
  without('accept our own certificate', 'handshake/server-authentication.ts', '!settings.isOwnLeafAllowed && ownLeaf !== undefined && equalBytes(leaf, ownLeaf)', `${HOSTILE}/certificates.test.ts`),
  {
    name: 'skip the signature of a rekey',
    tests: [`${HOSTILE}/rekey.test.ts`],
    changes: [{ file: 'handshake/rekey-server.ts', find: 'else this.#requireSignature(finish);', replace: '' }],
  },
  without('accept the same share twice', 'handshake/rekey.ts', 'this.#seen.has(tail)', `${HOSTILE}/rekey.test.ts`),
  without('let somebody else come back from a rekey', 'handshake/rekey-client.ts', '!isAuthenticated || !now.continues(before)', 'test/channel/rekey.test.ts'),
  without('let a rekey take for ever', 'channel/rekeying.ts', 'this.#state !== undefined && nowMs - this.#startedAtMs > deadlineMs', 'test/channel/rekey.test.ts'),
  without('accept a rekey at any rate', 'channel/rekeying.ts', 'nowMs < this.#finishedAtMs + SERVER_GAP_MS', `${HOSTILE}/rekey.test.ts`),
  {
    name: 'read before the verdict',
    tests: ['test/channel/early-data.test.ts'],
    changes: [{ file: 'channel/channel.ts', find: "this.#isJudging = evidence.occasion !== 'rekey' || evidence.side === 'client';", replace: 'this.#isJudging = false;' }],
  },
  {
    name: 'send any amount before Confirm',
    tests: ['test/channel/early-data.test.ts'],
    changes: [{ file: 'channel/early-data.ts', find: 'const allowed = content.subarray(0, this.room);', replace: 'const allowed = content;' }],
  },
  without('suffer floods of control messages', 'channel/control-credit.ts', 'this.#credit < 1', `${HOSTILE}/alerts-and-control.test.ts`),
  without('take a message however it was cut', 'channel/message-assembler.ts', 'content.length !== expected || (isPadded && !isLast)', `${HOSTILE}/fragmentation.test.ts`),
  without('read without a limit before authentication', 'channel/channel.ts', 'this.#wire.pulledBytes > MAX_UNAUTHENTICATED_BYTES', `${HOSTILE}/resources.test.ts`),
  {
    name: 'take the end of the transport for an orderly end',
    tests: ['test/channel/close.test.ts'],
    changes: [{ file: 'channel/channel.ts', find: "this.#fail(new XpsError('channel_truncated',", replace: "if (this.#established !== undefined) this.#finish();\n    else this.#fail(new XpsError('channel_truncated'," }],
  },
  {
    name: 'believe a plain Failure at any time',
    tests: [`${HOSTILE}/alerts-and-control.test.ts`],
    changes: [{ file: 'channel/channel.ts', find: "if (protection !== 'plain') this.#hasReceivedProtected = true;", replace: '' }],
  },
];
