/** docs/PROTOCOL.md §12. */
export const CHANNEL_SUBPROTOCOL = 'xpscerpto.v1';

/** A message is held in memory until it is whole. A record has at most 64 KiB; applications may send more in one message. */
export const MAX_MESSAGE_BYTES: Readonly<Record<'application' | 'channel', number>> = {
  application: 16 * 1024 * 1024,
  channel: 1024 * 1024,
};
