/**
 * Text that is safe to show. A leaf. Names of files, programs and peers come from others, and must
 * neither drive a terminal, nor fake a line, nor turn its reading direction.
 */

const UNPRINTABLE = /[\x00-\x08\x0a-\x1f\x7f-\x9f]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A value as one line of JSON, in which nothing is left for a terminal to act on. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Replaces what a terminal would act on by its number in hexadecimal; tabs stay. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
}
