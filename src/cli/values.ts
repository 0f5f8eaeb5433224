/** Values of options, from the command line or from the environment. */
import { parseAddress, type Address } from '../ip.ts';

/** setTimeout's limit, a bit less than 25 days. */
const MAX_TIMEOUT_MS = 0x7fffffff;
/** As long as a value of the launcher's records may be, in bytes. */
const MAX_VALUE_BYTES = 255;

/** A value that is none; the message says what was expected. */
export class InvalidValue extends Error {
  override readonly name = 'InvalidValue';
}

/** `15s`, `500ms`, `2m`, or a bare number of seconds, as milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)?$/.exec(text);
  const unit = { ms: 1, s: 1000, m: 60_000 }[match?.[2] ?? 's'] ?? 1000;
  const milliseconds = match ? Math.round(Number(match[1]) * unit) : NaN;
  if (!(milliseconds <= MAX_TIMEOUT_MS)) {
    throw new InvalidValue('expected a time such as 15s, 500ms or 2m');
  }
  return milliseconds;
}

/** An MTU in bytes. */
export function parseMtu(text: string): number {
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(mtu >= 576 && mtu <= 65535)) throw new InvalidValue('expected 576 to 65535');
  return mtu;
}

/** Name servers with commas between them, or `none`. */
export function parseDns(text: string): readonly Address[] | 'none' {
  if (text === 'none') return 'none';
  checkRecordable(text);
  return text.split(',').map((part) => {
    const address = parseAddress(part.trim());
    if (!address) throw new InvalidValue('expected addresses with commas, or none');
    return address;
  });
}

/** A switch in the environment. */
export function parseSwitch(text: string): boolean {
  if (text !== '0' && text !== '1') throw new InvalidValue('expected 1 or 0');
  return text === '1';
}

/** A value that belongs to a tunnel is kept as a line of its record. */
function checkRecordable(text: string): void {
  const isTooLong = new TextEncoder().encode(text).length > MAX_VALUE_BYTES;
  if (isTooLong) throw new InvalidValue(`expected at most ${MAX_VALUE_BYTES} bytes`);
  if (/[\x00-\x1f\x7f]/.test(text)) throw new InvalidValue('expected no control characters');
}
