/**
 * The four messages (WP 5.4): sizes, offsets, and the little that is encoded by number. All integers
 * are little-endian.
 *
 *   initiation     type, sender index, ephemeral, static + tag, timestamp + tag, mac1, mac2
 *   response       type, sender index, receiver index, ephemeral, tag, mac1, mac2
 *   cookie reply   type, receiver index, nonce, cookie + tag
 *   transport data type, receiver index, counter, packet + tag
 *
 * The type is one byte and three reserved zero bytes. Read as one 32-bit number, both are checked.
 * Functions that take a message rely on its length, which `messageType` has checked.
 */
import { readUint32LE, readUint64LE, writeUint32LE, writeUint64LE } from '../bytes.ts';

/** The type word of an initiation. */
export const TYPE_INITIATION = 1;
/** The type word of a response. */
export const TYPE_RESPONSE = 2;
/** The type word of a cookie reply. */
export const TYPE_COOKIE_REPLY = 3;
/** The type word of transport data. */
export const TYPE_TRANSPORT = 4;

/** Offsets within an initiation. */
export const INITIATION = {
  sender: 4,
  ephemeral: 8,
  static: 40,
  timestamp: 88,
  mac1: 116,
  mac2: 132,
  bytes: 148,
} as const;

/** Offsets within a response. */
export const RESPONSE = {
  sender: 4,
  receiver: 8,
  ephemeral: 12,
  empty: 44,
  mac1: 60,
  mac2: 76,
  bytes: 92,
} as const;

/** Offsets within a cookie reply. */
export const COOKIE_REPLY = { receiver: 4, nonce: 8, cookie: 32, bytes: 64 } as const;

/** Offsets within transport data; `bytes` is the length of a keepalive. */
export const TRANSPORT = { receiver: 4, counter: 8, packet: 16, bytes: 32 } as const;

/** The type word of a datagram whose length fits it; 0 for anything that is no WireGuard message. */
export function messageType(datagram: Uint8Array): number {
  if (datagram.length < TRANSPORT.bytes) return 0;
  const type = readUint32LE(datagram, 0);
  switch (type) {
    case TYPE_INITIATION:
      return datagram.length === INITIATION.bytes ? type : 0;
    case TYPE_RESPONSE:
      return datagram.length === RESPONSE.bytes ? type : 0;
    case TYPE_COOKIE_REPLY:
      return datagram.length === COOKIE_REPLY.bytes ? type : 0;
    case TYPE_TRANSPORT:
      return type;
    default:
      return 0;
  }
}

/** The index by which the sender of an initiation or a response wants to be answered. */
export function senderIndex(message: Uint8Array): number {
  return readUint32LE(message, INITIATION.sender);
}

/** The receiver's index in a response, a cookie reply or transport data. */
export function receiverIndex(message: Uint8Array): number {
  const isResponse = message[0] === TYPE_RESPONSE;
  return readUint32LE(message, isResponse ? RESPONSE.receiver : TRANSPORT.receiver);
}

/** The counter of transport data; rounded, and never below 2^53, where it is 2^53 or more. */
export function transportCounter(message: Uint8Array): number {
  return readUint64LE(message, TRANSPORT.counter);
}

/** An initiation with its type and sender index; the rest is zero. */
export function encodeInitiation(sender: number): Uint8Array {
  const message = new Uint8Array(INITIATION.bytes);
  writeUint32LE(message, 0, TYPE_INITIATION);
  writeUint32LE(message, INITIATION.sender, sender);
  return message;
}

/** A response with its type and indices; the rest is zero. */
export function encodeResponse(sender: number, receiver: number): Uint8Array {
  const message = new Uint8Array(RESPONSE.bytes);
  writeUint32LE(message, 0, TYPE_RESPONSE);
  writeUint32LE(message, RESPONSE.sender, sender);
  writeUint32LE(message, RESPONSE.receiver, receiver);
  return message;
}

/** A cookie reply with its type and index; the rest is zero. */
export function encodeCookieReply(receiver: number): Uint8Array {
  const message = new Uint8Array(COOKIE_REPLY.bytes);
  writeUint32LE(message, 0, TYPE_COOKIE_REPLY);
  writeUint32LE(message, COOKIE_REPLY.receiver, receiver);
  return message;
}

/** Writes the header of transport data into the first 16 bytes of `buffer`. */
export function encodeTransportHeader(buffer: Uint8Array, receiver: number, counter: number): void {
  writeUint32LE(buffer, 0, TYPE_TRANSPORT);
  writeUint32LE(buffer, TRANSPORT.receiver, receiver);
  writeUint64LE(buffer, TRANSPORT.counter, counter);
}
