import type { Bytes } from '../base/bytes.ts';
import { XpsError } from '../base/errors.ts';
import { bodyLimit } from '../handshake/codepoints.ts';
import { MESSAGE_HEADER_LENGTH, parseMessage, type Message } from '../handshake/messages/message.ts';

/**
 * Puts messages together from the contents of MESSAGE records of one direction and epoch. There is
 * one right way to cut a message (docs/PROTOCOL.md §3.1); every other is refused, and the length is
 * judged by the type before anything is kept.
 */
export class MessageAssembler {
  #partial: { readonly whole: Uint8Array; filled: number } | undefined;

  get isInside(): boolean {
    return this.#partial !== undefined;
  }

  accept(content: Bytes, isPadded: boolean, contentLimit: number): Message | undefined {
    const partial = this.#partial ?? this.#begin(content, contentLimit);
    if (partial === undefined) return parseMessage(content);
    const expected = Math.min(contentLimit, partial.whole.length - partial.filled);
    const isLast = partial.filled + expected === partial.whole.length;
    if (content.length !== expected || (isPadded && !isLast)) {
      throw new XpsError('malformed', { detail: 'a message is not cut as it must be' });
    }
    partial.whole.set(content, partial.filled);
    partial.filled += content.length;
    if (!isLast) return undefined;
    this.#partial = undefined;
    return parseMessage(partial.whole);
  }

  /** Undefined if `content` is a whole message. */
  #begin(content: Bytes, contentLimit: number): { readonly whole: Uint8Array; filled: number } | undefined {
    if (content.length < MESSAGE_HEADER_LENGTH) throw new XpsError('malformed', { detail: 'less than a message header' });
    const [type, high, middle, low] = content as unknown as readonly [number, number, number, number];
    const length = MESSAGE_HEADER_LENGTH + ((high << 16) | (middle << 8) | low);
    requireLength(type, length - MESSAGE_HEADER_LENGTH);
    if (length <= contentLimit) return undefined;
    this.#partial = { whole: new Uint8Array(length), filled: 0 };
    return this.#partial;
  }
}

/** docs/PROTOCOL.md §3.3. */
export function requireLength(type: number, bodyLength: number): void {
  const limit = bodyLimit(type);
  if (limit === undefined) throw new XpsError('unexpected_message', { detail: `unknown type ${type}` });
  if (bodyLength > limit) {
    throw new XpsError('malformed', { detail: `message ${type} of ${bodyLength} bytes, at most ${limit}` });
  }
}

/** The contents that carry one message under a content limit. */
export function fragments(message: Bytes, contentLimit: number): readonly Bytes[] {
  const pieces: Bytes[] = [];
  for (let at = 0; at < message.length; at += contentLimit) pieces.push(message.subarray(at, at + contentLimit));
  return pieces;
}
