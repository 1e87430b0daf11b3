/** The table of docs/PROTOCOL.md §6.10. */
import { TYPE } from './vocabulary.ts';

export type Where = number | 'plain';

/** State → the messages that may come, each with where it must come: plain, or in which epoch. */
export const LEGAL: Readonly<Record<string, readonly (readonly [type: number, where: Where])[]>> = {
  'C wait hello': [
    [TYPE.Retry, 'plain'],
    [TYPE.ServerHello, 'plain'],
  ],
  'C wait hello after retry': [[TYPE.ServerHello, 'plain']],
  'C wait parameters': [[TYPE.ServerParameters, 0]],
  'C wait certificate': [[TYPE.Certificate, 0]],
  'C wait certificate verify': [[TYPE.CertificateVerify, 0]],
  'C wait finished': [[TYPE.Finished, 0]],
  'C wait confirm': [[TYPE.Confirm, 1]],
  'S wait hello': [[TYPE.ClientHello, 'plain']],
  'S wait hello again': [[TYPE.ClientHello, 'plain']],
  'S wait certificate': [[TYPE.Certificate, 0]],
  'S wait certificate verify': [[TYPE.CertificateVerify, 0]],
  'S wait finished': [[TYPE.Finished, 0]],
};

/** §11.2. That a plain one comes before any protected record is checked with the record's header. */
export function mayFailureCome(where: Where): boolean {
  return where === 'plain' || where === 0;
}
