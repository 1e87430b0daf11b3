import type { Bytes } from '../base/bytes.ts';

export interface PemBlock {
  /** What stands between BEGIN and the dashes, such as CERTIFICATE or X509 CRL. */
  readonly label: string;
  readonly der: Bytes;
}

/** RFC 7468, strict: blocks with a label of `labels`; text between blocks is skipped. Throws `certificate_malformed`. */
export function readPem(text: string, labels: readonly string[]): PemBlock[] {
  throw new Error(`not reached ${text.length} ${labels.length}`);
}
