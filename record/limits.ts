/** Fixed by docs/PROTOCOL.md. */
export const HEADER_LENGTH = 8;
export const TAG_LENGTH = 16;
export const FORM_PLAIN = 0x58;
export const FORM_PROTECTED = 0x59;
export const CONTENT_MESSAGE = 1;
export const CONTENT_DATA = 2;
/** §2.2: bytes after the header of a plain record. */
export const PLAIN_MIN_LENGTH = 4;
export const PLAIN_MAX_LENGTH = 8192;
/** §2.3: content of a record in epoch 0, and the range of what can be negotiated for later epochs. */
export const HANDSHAKE_CONTENT_LIMIT = 16_384;
export const MIN_RECORD_LIMIT = 16_384;
export const MAX_RECORD_LIMIT = 65_536;
/** §2.7: records of epoch 0 are padded to a multiple of this. */
export const HANDSHAKE_PADDING_BLOCK = 256;
/** §13: 2^22.5, the AEAD bound for records of 64 KiB. */
export const HARD_RECORD_LIMIT = 5_931_641;

export type ContentType = typeof CONTENT_MESSAGE | typeof CONTENT_DATA;
