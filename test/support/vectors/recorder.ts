// Watches a channel from below: every derivation, every sealed record. What it sees becomes, or is compared with, docs/vectors.
import { toHex, type Bytes } from '../../../base/bytes.ts';
import type { AeadCipher, Crypto, HashAlgorithm, HashProvider } from '../../../engines/contract.ts';

export const EXPORT_LABEL = 'test vector';

export interface SealedRecord {
  readonly nonce: string;
  readonly inner: string;
}

/** Names of docs/PROTOCOL.md §5.2, §9 and §10 for what is derived with a role and a purpose. */
const NAMES: Readonly<Record<string, string>> = {
  '- service': 'tag_key',
  'c gate': 'gate_key',
  '- psk': 'ps_salt',
  'c binder': 'binder_key',
  '- hs': 'hs_salt',
  'c hs traffic': 'hs_c',
  's hs traffic': 'hs_s',
  'c finished': 'fin_c',
  's finished': 'fin_s',
  '- ms': 'ms_salt',
  '- root': 'root_0',
  '- exporter': 'exporter',
  '- resumption': 'resumption',
  '- channel id': 'channel_id',
  '- ticket psk': 'psk',
  '- rekey binding': 'rekey_binding',
  '- rk': 'rk_salt',
};

/** The extraction whose salt is the secret of this name. */
const EXTRACTED: Readonly<Record<string, string>> = { hs_salt: 'hs', ms_salt: 'ms' };

export class Recorder {
  readonly secrets: Record<string, string> = {};
  readonly sealed: SealedRecord[] = [];
  readonly crypto: Crypto;
  #generation = 1;
  readonly #lastTraffic: Record<string, string> = {};

  /** `random` replaces the random bytes of `crypto`. */
  constructor(crypto: Crypto, random: (length: number) => Uint8Array<ArrayBuffer>) {
    this.crypto = {
      generation: crypto.generation,
      keyExchange: this.#watchExchange(crypto),
      signature: crypto.signature,
      hash: this.#watchHash(crypto.hash),
      aead: (algorithm, key) => this.#watchCipher(crypto.aead(algorithm, key)),
      isAvailable: (what) => crypto.isAvailable(what),
      equal: (a, b) => crypto.equal(a, b),
      random,
    };
  }

  #note(name: string, value: Bytes): void {
    this.secrets[name] ??= toHex(value);
  }

  #watchExchange({ keyExchange }: Crypto): Crypto['keyExchange'] {
    return {
      name: keyExchange.name,
      groups: keyExchange.groups,
      initiate: (group, seed) => {
        const share = keyExchange.initiate(group, seed);
        return {
          group: share.group,
          share: share.share,
          complete: (group, answer) => {
            const secret = share.complete(group, answer);
            this.#note(`ss${this.#exchange()}`, secret.reveal());
            return secret;
          },
          [Symbol.dispose]: () => share[Symbol.dispose](),
        };
      },
      respond: (group, share, seed) => {
        const answer = keyExchange.respond(group, share, seed);
        this.#note(`ss${this.#exchange()}`, answer.secret.reveal());
        return answer;
      },
    };
  }

  /** Shared secrets after the first belong to the generation that they lead to. */
  #exchange(): string {
    return 'root_0' in this.secrets ? `_${this.#generation + 1}` : '';
  }

  #watchHash(hash: HashProvider): HashProvider {
    return {
      name: hash.name,
      hash: (algorithm, bytes) => hash.hash(algorithm, bytes),
      running: (algorithm) => hash.running(algorithm),
      hmac: (algorithm, key, bytes) => hash.hmac(algorithm, key, bytes),
      hkdfExtract: (algorithm, salt, ikm) => this.#extract(hash, algorithm, salt, ikm),
      hkdfExpand: (algorithm, prk, info, length) => {
        const derived = hash.hkdfExpand(algorithm, prk, info, length);
        this.#derived(info, derived);
        return derived;
      },
    };
  }

  #extract(hash: HashProvider, algorithm: HashAlgorithm, salt: Bytes, ikm: Bytes): Uint8Array<ArrayBuffer> {
    const prk = hash.hkdfExtract(algorithm, salt, ikm);
    const saltName = Object.keys(this.secrets).findLast((name) => this.secrets[name] === toHex(salt));
    if (saltName === undefined) this.#note('es', prk);
    else if (saltName.startsWith('rk_salt_')) this.#note(`root_${this.#generation - 1}`, prk);
    // Once without a psk, when the configuration is read; the last one counts.
    else if (saltName === 'ps_salt') this.secrets['ps'] = toHex(prk);
    else this.#note(EXTRACTED[saltName] ?? saltName, prk);
    return prk;
  }

  /** Reads §5.1's info back. */
  #derived(info: Bytes, value: Bytes): void {
    const role = String.fromCharCode(info[9] as number);
    const purpose = Buffer.from(info.subarray(11, 11 + (info[10] as number))).toString('latin1');
    const context = info.subarray(12 + (info[10] as number));
    if (purpose === 'key' || purpose === 'iv') return this.#note(`${this.#lastTraffic[role]}_${purpose}`, value);
    if (purpose === 'ap traffic') return this.#traffic(role, `ap_${role}_${this.#generation}`, value);
    if (purpose === 'hs traffic') {
      this.#note('th_hello', context);
      return this.#traffic(role, `hs_${role}`, value);
    }
    if (purpose === `exp ${EXPORT_LABEL}`) return;
    if (purpose === 'hs') this.#note('h_client_hello', context);
    if (purpose === 'root') this.#note('th_final', context);
    if (purpose === 'rk') {
      this.#generation += 1;
      this.#note(`th_${this.#generation}`, context);
    }
    const name = NAMES[`${role} ${purpose}`] ?? `${role} ${purpose}`;
    const isOfRekey = purpose === 'rk' || (purpose === 'finished' && 'root_0' in this.secrets);
    const ordinal = purpose === 'rekey binding' ? this.#generation + 1 : this.#generation;
    this.#note(isOfRekey || purpose === 'rekey binding' ? `${name}_${ordinal}` : name, value);
  }

  #traffic(role: string, name: string, value: Bytes): void {
    this.#lastTraffic[role] = name;
    this.#note(name, value);
  }

  #watchCipher(cipher: AeadCipher): AeadCipher {
    return {
      algorithm: cipher.algorithm,
      provider: cipher.provider,
      seal: (nonce, aad, plaintext, out) => {
        this.sealed.push({ nonce: toHex(nonce), inner: toHex(plaintext) });
        cipher.seal(nonce, aad, plaintext, out);
      },
      open: (nonce, aad, sealed, out) => cipher.open(nonce, aad, sealed, out),
      [Symbol.dispose]: () => cipher[Symbol.dispose](),
    };
  }
}
