// What a terminal, a log viewer or a browser may obey instead of showing: controls (C0, DEL, C1),
// marks and overrides of writing direction, invisible and separator characters, lone surrogates.
const UNSAFE =
  // oxlint-disable-next-line no-misleading-character-class -- single characters are meant, not what they combine to
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\u{e0000}-\u{e0fff}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text that came from outside, made fit for one line of a log, a terminal or a label: unsafe characters
 * are written as `\n`, `\x1b`, `\u202e`, backslashes as `\\`, and what is longer than `limit`
 * characters ends in `…(+N)`, N characters having been left out.
 */
export function escapeForeign(text: string, limit = 256): string {
  return shorten(text, limit, (kept) => escapeUnsafe(kept.replaceAll('\\', '\\\\')));
}

/** The same for text of our own that may contain foreign parts already escaped: backslashes stay as they are. */
export function escapeText(text: string, limit = 4096): string {
  return shorten(text, limit, escapeUnsafe);
}

function shorten(text: string, limit: number, escape: (kept: string) => string): string {
  if (text.length <= limit) return escape(text);
  // Not through the middle of a surrogate pair.
  const cut = /[\ud800-\udbff]$/.test(text.slice(0, limit)) ? limit - 1 : limit;
  return `${escape(text.slice(0, cut))}…(+${text.length - cut})`;
}

function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const short = SHORT[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0) as number;
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
    if (code < 0x1_0000) return `\\u${code.toString(16).padStart(4, '0')}`;
    return `\\u{${code.toString(16)}}`;
  });
}
