import type { AeadAlgorithm, Group, SignatureScheme } from '../engines/contract.ts';

/** docs/PROTOCOL.md §6.1. */
export const PROTOCOL_VERSION = 1;
export const MAGIC = 'XPSC';

/** docs/PROTOCOL.md §3.3. */
export const MESSAGE = {
  clientHello: 0x01,
  serverHello: 0x02,
  retry: 0x03,
  serverParameters: 0x04,
  certificate: 0x05,
  certificateVerify: 0x06,
  finished: 0x07,
  confirm: 0x08,
  failure: 0x0f,
  rekeyWish: 0x10,
  rekeyRequest: 0x11,
  rekeyResponse: 0x12,
  rekeyFinish: 0x13,
  rekeyDone: 0x14,
  open: 0x20,
  end: 0x21,
  reset: 0x22,
  ping: 0x30,
  pong: 0x31,
  ticket: 0x32,
  alert: 0x33,
  close: 0x34,
  retire: 0x35,
} as const;

export type MessageName = keyof typeof MESSAGE;
export type MessageType = (typeof MESSAGE)[MessageName];

/** Greatest body length by type, docs/PROTOCOL.md §3.3. */
const BODY_LIMITS: Readonly<Record<MessageName, number>> = {
  clientHello: 8188,
  serverHello: 8188,
  retry: 65,
  serverParameters: 4096,
  certificate: 45_056,
  certificateVerify: 1028,
  finished: 48,
  confirm: 0,
  failure: 0,
  rekeyWish: 4,
  rekeyRequest: 2048,
  rekeyResponse: 49_152,
  rekeyFinish: 49_152,
  rekeyDone: 4,
  open: 1536,
  end: 16,
  reset: 9,
  ping: 8,
  pong: 8,
  ticket: 64,
  alert: 1,
  close: 8,
  retire: 0,
};

const NAMES = new Map<number, MessageName>(
  (Object.entries(MESSAGE) as [MessageName, number][]).map(([name, type]) => [type, name]),
);

export function messageName(type: number): MessageName | undefined {
  return NAMES.get(type);
}

/** Undefined for a type that does not exist. */
export function bodyLimit(type: number): number | undefined {
  const name = NAMES.get(type);
  return name === undefined ? undefined : BODY_LIMITS[name];
}

export interface Suite {
  readonly id: number;
  readonly group: Group;
  readonly aead: AeadAlgorithm;
}

/** docs/PROTOCOL.md §4.1. */
export const GROUP_IDS: Readonly<Record<Group, number>> = { X25519: 0x0001, XWING: 0x0002 };
export const SHARE_LENGTHS: Readonly<Record<Group, number>> = { X25519: 32, XWING: 1216 };
export const ANSWER_LENGTHS: Readonly<Record<Group, number>> = { X25519: 32, XWING: 1120 };
const AEAD_IDS: Readonly<Record<AeadAlgorithm, number>> = {
  AES_GCM: 0x01,
  CHACHA20_POLY1305: 0x02,
  XCHACHA20_POLY1305: 0x03,
};

export const GROUPS: readonly Group[] = ['XWING', 'X25519'];
export const AEADS: readonly AeadAlgorithm[] = ['AES_GCM', 'CHACHA20_POLY1305', 'XCHACHA20_POLY1305'];

export function suiteOf(group: Group, aead: AeadAlgorithm): Suite {
  return { id: (GROUP_IDS[group] << 8) | AEAD_IDS[aead], group, aead };
}

const SUITES = new Map<number, Suite>(
  GROUPS.flatMap((group) => AEADS.map((aead) => suiteOf(group, aead))).map((suite) => [suite.id, suite]),
);

export function suiteById(id: number): Suite | undefined {
  return SUITES.get(id);
}

export function suiteName(suite: Suite): string {
  return `${suite.group}_${suite.aead}`;
}

/** docs/PROTOCOL.md §4.2. */
export const SCHEME_IDS: Readonly<Record<SignatureScheme, number>> = {
  ed25519: 0x0807,
  ecdsa_p256_sha256: 0x0403,
  ecdsa_p384_sha384: 0x0503,
  rsa_pss_sha256: 0x0804,
  rsa_pss_sha384: 0x0805,
  rsa_pss_sha512: 0x0806,
};

export const SCHEMES = Object.keys(SCHEME_IDS) as readonly SignatureScheme[];

const SCHEMES_BY_ID = new Map<number, SignatureScheme>(SCHEMES.map((scheme) => [SCHEME_IDS[scheme], scheme]));

export function schemeById(id: number): SignatureScheme | undefined {
  return SCHEMES_BY_ID.get(id);
}

export const EXTENSION_TICKET = 0x0001;
