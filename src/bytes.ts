/**
 * Byte order, comparison and hexadecimal text for byte arrays. A leaf: it imports nothing of ours.
 *
 * Multi-byte integers on WireGuard's wire are little-endian (WP 5.4); those in IP headers and in
 * TAI64N are big-endian. The name of each function says which one it reads or writes.
 */

/** Reads an unsigned 16-bit big-endian integer at `offset`. */
export function readUint16BE(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 8) | bytes[offset + 1];
}

/** Writes `value` as an unsigned 16-bit big-endian integer at `offset`. */
export function writeUint16BE(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

/** Reads an unsigned 32-bit big-endian integer at `offset`. */
export function readUint32BE(bytes: Uint8Array, offset: number): number {
  return readUint16BE(bytes, offset) * 0x10000 + readUint16BE(bytes, offset + 2);
}

/** Writes `value` as an unsigned 32-bit big-endian integer at `offset`. */
export function writeUint32BE(bytes: Uint8Array, offset: number, value: number): void {
  writeUint16BE(bytes, offset, value >>> 16);
  writeUint16BE(bytes, offset + 2, value);
}

/** Reads an unsigned 32-bit little-endian integer at `offset`. */
export function readUint32LE(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16)) +
    bytes[offset + 3] * 0x1000000
  );
}

/** Writes `value` as an unsigned 32-bit little-endian integer at `offset`. */
export function writeUint32LE(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

/**
 * Reads an unsigned 64-bit little-endian integer at `offset` as a number. Exact up to 2^53; a larger
 * value is rounded, and never to one below 2^53.
 */
export function readUint64LE(bytes: Uint8Array, offset: number): number {
  return readUint32LE(bytes, offset) + readUint32LE(bytes, offset + 4) * 0x100000000;
}

/** Writes the safe integer `value` as an unsigned 64-bit little-endian integer at `offset`. */
export function writeUint64LE(bytes: Uint8Array, offset: number, value: number): void {
  writeUint32LE(bytes, offset, value >>> 0);
  writeUint32LE(bytes, offset + 4, Math.floor(value / 0x100000000));
}

/** Compares two byte arrays in a time that depends on their length only. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

/** Tells whether every byte is zero, in a time that depends on the length only. */
export function isZero(bytes: Uint8Array): boolean {
  let union = 0;
  for (const byte of bytes) union |= byte;
  return union === 0;
}

/** Formats bytes as lower-case hexadecimal. */
export function formatHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Parses an even number of hexadecimal digits; undefined for anything else. */
export function parseHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
