import { concat, equalBytes, utf8, Writer, type Bytes } from '../../base/bytes.ts';
import type { Crypto } from '../../engines/contract.ts';
import type { CookiePolicy } from '../../handshake/settings.ts';

const KEY_BYTES = 32;
const KEY_LIFE_MS = 120_000;
const COOKIE_LIFE_S = 30;
const TIME_BYTES = 4;
const MAC_BYTES = 32;

/**
 * Cookies of docs/PROTOCOL.md §6.3: `time ‖ MAC(key, time ‖ address ‖ H(hello))`. Nothing is stored; the key
 * changes every two minutes, and the one before it is good for cookies that are on their way.
 */
export class CookieJar {
  readonly #crypto: Crypto;
  readonly #nowMs: () => number;
  #key: Bytes;
  #keyBefore: Bytes;
  #keyMadeAtMs: number;

  constructor(crypto: Crypto, nowMs: () => number) {
    this.#crypto = crypto;
    this.#nowMs = nowMs;
    this.#key = crypto.random(KEY_BYTES);
    this.#keyBefore = crypto.random(KEY_BYTES);
    this.#keyMadeAtMs = nowMs();
  }

  /** For the connection from `address`; `isDemanded` is asked once for each hello, `onValid` told of a cookie that is good. */
  policyFor(address: string, isDemanded: () => boolean, onValid: () => void): CookiePolicy {
    const make = (core: Bytes): Bytes => this.#make(address, core);
    const isValid = (core: Bytes, cookie: Bytes): boolean => {
      const isGood = this.#isValid(address, core, cookie);
      if (isGood) onValid();
      return isGood;
    };
    return {
      get isDemanded() {
        return isDemanded();
      },
      make,
      isValid,
    };
  }

  #make(address: string, core: Bytes): Bytes {
    this.#rotate();
    const time = new Writer().u32(this.#seconds()).finish();
    return concat([time, this.#mac(this.#key, time, address, core)]);
  }

  #isValid(address: string, core: Bytes, cookie: Bytes): boolean {
    this.#rotate();
    if (cookie.length !== TIME_BYTES + MAC_BYTES) return false;
    const time = cookie.subarray(0, TIME_BYTES);
    const made = new DataView(time.buffer, time.byteOffset, TIME_BYTES).getUint32(0);
    const age = this.#seconds() - made;
    if (age < 0 || age > COOKIE_LIFE_S) return false;
    const mac = cookie.subarray(TIME_BYTES);
    return [this.#key, this.#keyBefore].some((key) => equalBytes(mac, this.#mac(key, time, address, core)));
  }

  #mac(key: Bytes, time: Bytes, address: string, core: Bytes): Bytes {
    const { hash } = this.#crypto;
    const input = new Writer().bytes(time).vector16(utf8(address)).bytes(hash.hash('sha384', core)).finish();
    return hash.hmac('sha384', key, input).subarray(0, MAC_BYTES);
  }

  #rotate(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#keyMadeAtMs < KEY_LIFE_MS) return;
    // After a long pause the key before is too old as well, and so is every cookie made with it.
    this.#keyBefore = this.#key;
    this.#key = this.#crypto.random(KEY_BYTES);
    this.#keyMadeAtMs = nowMs;
  }

  #seconds(): number {
    return Math.floor(this.#nowMs() / 1000);
  }
}
