/**
 * The two AEADs against their published vectors, and against OpenSSL at every length.
 *
 * Nonces of the vectors don't fit our counters, so they go to the package; ours is then held to it.
 */
import { chacha20, chacha20poly1305, hchacha } from '@noble/ciphers/chacha.js';
import { poly1305 } from '@noble/ciphers/_poly1305.js';
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatHex } from '../../../src/bytes.ts';
import { open, openExtended, seal, sealExtended } from '../../../src/wireguard/aead.ts';
import { ascii, hex, sequence } from './stand-ins.ts';

const SUNSCREEN = ascii(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
);
const SUNSCREEN_AAD = hex('50515253c0c1c2c3c4c5c6c7');

/** A buffer of the plaintext and room for the tag. */
function withTagRoom(plaintext: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(plaintext.length + 16);
  bytes.set(plaintext);
  return bytes;
}

describe('ChaCha20-Poly1305', () => {
  it('has the key stream of RFC 8439 2.3.2', () => {
    const stream = chacha20(
      sequence(0, 32),
      hex('000000090000004a00000000'),
      new Uint8Array(64),
      undefined,
      1,
    );
    expect(formatHex(stream)).toBe(
      '10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e' +
        'd2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e',
    );
  });

  it('has the tag of RFC 8439 2.5.2', () => {
    const key = hex('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b');
    const tag = poly1305(ascii('Cryptographic Forum Research Group'), key);
    expect(formatHex(tag)).toBe('a8061dc1305136c6c22b8baf0c0127a9');
  });

  it('seals the example of RFC 8439 2.8.2', () => {
    const nonce = hex('070000004041424344454647');
    const sealed = chacha20poly1305(sequence(0x80, 32), nonce, SUNSCREEN_AAD).encrypt(SUNSCREEN);
    expect(formatHex(sealed)).toBe(
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6' +
        '3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36' +
        '92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
        '3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
    );
  });

  it('opens the example of RFC 8439 A.5', () => {
    const key = hex('1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0');
    const sealed = hex(`
      64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0
      bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855
      9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e9
      9040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a
      0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130
      305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38`);
    const plaintext = chacha20poly1305(
      key,
      hex('000000000102030405060708'),
      hex('f33388860000000000004e91'),
    ).decrypt(sealed);
    expect(new TextDecoder().decode(plaintext)).toMatch(/^Internet-Drafts are draft documents/);
  });

  it('seals in place what OpenSSL seals, at every length to 1500', () => {
    const key = sequence(1, 32);
    for (let length = 0; length <= 1_500; length++) {
      const plaintext = sequence(length, length);
      const bytes = withTagRoom(plaintext);
      const counter = length * 0x1_0000_0001;
      seal(key, counter, bytes);
      const nonce = Buffer.alloc(12);
      nonce.writeBigUInt64LE(BigInt(counter), 4);
      const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
      const expected = Buffer.concat([
        cipher.update(plaintext),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      if (!expected.equals(bytes)) expect.fail(`differs at length ${length}`);
      if (!open(key, counter, bytes)) expect.fail(`doesn't open at length ${length}`);
      if (Buffer.compare(bytes.subarray(0, length), plaintext) !== 0) {
        expect.fail(`opens to something else at length ${length}`);
      }
    }
  });

  it.each([
    ['the ciphertext', 0, 7, new Uint8Array(3)],
    ['the tag', 25, 7, new Uint8Array(3)],
    ['the counter', undefined, 8, new Uint8Array(3)],
    ['the additional data', undefined, 7, new Uint8Array(4)],
  ])('refuses a change of %s, and leaves the bytes alone', (_what, flipped, counter, aad) => {
    const key = sequence(1, 32);
    const bytes = withTagRoom(sequence(0, 10));
    seal(key, 7, bytes, new Uint8Array(3));
    if (flipped !== undefined) bytes[flipped] ^= 1;
    const before = bytes.slice();
    expect(open(key, counter, bytes, aad)).toBe(false);
    expect(bytes).toEqual(before);
  });

  it('refuses what is shorter than a tag', () => {
    expect(open(sequence(1, 32), 0, new Uint8Array(15))).toBe(false);
  });
});

describe('XChaCha20-Poly1305', () => {
  it('derives the subkey of draft-irtf-cfrg-xchacha 2.2.1', () => {
    const words = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer);
    const subkey = new Uint32Array(8);
    const nonce = hex('000000090000004a0000000031415927');
    hchacha(words(ascii('expand 32-byte k')), words(sequence(0, 32)), words(nonce), subkey);
    expect(formatHex(new Uint8Array(subkey.buffer))).toBe(
      '82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc',
    );
  });

  it('seals and opens the example of draft-irtf-cfrg-xchacha A.3.1', () => {
    const bytes = withTagRoom(SUNSCREEN);
    sealExtended(sequence(0x80, 32), sequence(0x40, 24), bytes, SUNSCREEN_AAD);
    expect(formatHex(bytes)).toBe(
      'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb' +
        '731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452' +
        '2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9' +
        '21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49',
    );
    expect(openExtended(sequence(0x80, 32), sequence(0x40, 24), bytes, SUNSCREEN_AAD)).toBe(true);
    expect(bytes.subarray(0, SUNSCREEN.length)).toEqual(SUNSCREEN);
  });

  it('refuses another nonce', () => {
    const bytes = withTagRoom(SUNSCREEN);
    sealExtended(sequence(0x80, 32), sequence(0x40, 24), bytes, SUNSCREEN_AAD);
    expect(openExtended(sequence(0x80, 32), sequence(0x41, 24), bytes, SUNSCREEN_AAD)).toBe(false);
  });
});
