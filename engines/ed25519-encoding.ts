import { fromHex, type Bytes } from '../base/bytes.ts';

/**
 * Which encodings of points and signatures Ed25519 accepts here, the same for every engine. Libraries differ in them
 * (RFC 8032 leaves room), and what one engine accepts another must not refuse.
 */

const FIELD = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

/** y coordinates of the eight points of small order; either sign bit. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  FIELD - 1n,
  littleEndian(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')),
  littleEndian(fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')),
]);

/** A reduced y that belongs to a point of the curve, which is not of small order. */
export function isAcceptablePoint(encoded: Bytes): boolean {
  const y = yOf(encoded);
  return y !== undefined && isOnCurve(y);
}

/** 64 bytes with S below the group order (RFC 8032 §5.1.7) and an R as strict as the key. */
export function isCanonicalSignature(signature: Bytes): boolean {
  return (
    signature.length === 64 &&
    littleEndian(signature.subarray(32)) < ORDER &&
    yOf(signature.subarray(0, 32)) !== undefined
  );
}

function yOf(encoded: Bytes): bigint | undefined {
  if (encoded.length !== 32) return undefined;
  const y = littleEndian(encoded) & (2n ** 255n - 1n);
  return y < FIELD && !SMALL_ORDER_Y.has(y) ? y : undefined;
}

/** x² = (y² - 1) / (d·y² + 1) has a solution exactly if the product of both sides of the fraction is a square. */
function isOnCurve(y: bigint): boolean {
  const square = (y * y) % FIELD;
  return jacobi(((square - 1n + FIELD) * (D * square + 1n)) % FIELD) !== -1;
}

/** The Jacobi symbol (a / FIELD). The values are public, so its run time may depend on them. */
function jacobi(a: bigint): number {
  let [top, bottom, sign] = [a, FIELD, 1];
  while (top !== 0n) {
    while ((top & 1n) === 0n) {
      top >>= 1n;
      const residue = bottom & 7n;
      if (residue === 3n || residue === 5n) sign = -sign;
    }
    [top, bottom] = [bottom, top];
    if ((top & 3n) === 3n && (bottom & 3n) === 3n) sign = -sign;
    top %= bottom;
  }
  return bottom === 1n ? sign : 0;
}

function littleEndian(bytes: Bytes): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32);
  return (
    view.getBigUint64(0, true) |
    (view.getBigUint64(8, true) << 64n) |
    (view.getBigUint64(16, true) << 128n) |
    (view.getBigUint64(24, true) << 192n)
  );
}
