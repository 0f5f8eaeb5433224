/**
 * No message may hold a key or a part of one, wherever in the file it got to.
 *
 * Any six characters in a row of a key count as a part of it: no message has such a run by chance.
 */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';
import { formatHex } from '../../../src/bytes.ts';
import { parseKey } from '../../../src/key.ts';
import { accept, corpus, PRIVATE_KEY, sample, tell } from './sample.ts';

const RUN = 6;

/** Each key that some file of the corpus has, private ones too. */
const keys = [...corpus.values()]
  .flatMap((bytes) => [...new TextDecoder().decode(bytes).matchAll(/[A-Za-z0-9+/]{43}=/g)])
  .map(([key]) => key)
  .filter((key) => !/^A+=$/.test(key));

function partsOf(key: string): string[] {
  return Array.from({ length: key.length - RUN + 1 }, (_, start) => key.slice(start, start + RUN));
}

/** The files in which a key stands where it shouldn't, by what went wrong. */
function misplaced(key: string): Readonly<Record<string, string>> {
  const half = key.slice(0, 20);
  const hex = formatHex(parseKey(key)!);
  return {
    'its line lost the name': sample({ device: key }),
    'its line lost the name, with a comment': sample({ device: `${key} # mine` }),
    'its line lost the name but not the sign': sample({ device: `= ${key}` }),
    'a colon for a sign': sample({ device: `PrivateKey: ${key}` }),
    'no sign': sample({ device: `PrivateKey ${key}` }),
    'no sign and no space': sample({ device: `PrivateKey${key}` }),
    'a name that is wrong': sample({ device: `PrivatKey = ${key}` }),
    'a name that is wrong, too short': sample({ device: `PrivatKey = ${key.slice(0, 40)}` }),
    'wrapped by an editor': sample({ device: `PrivateKey = ${half}\n${key.slice(20)}` }),
    'wrapped near its end': sample({
      device: `PrivateKey = ${key.slice(0, 33)}\n${key.slice(33)}`,
    }),
    'wrapped, with a comment': sample({ device: `PrivateKey = ${half}\n${key.slice(20)} # mine` }),
    'one character lost': sample({ device: `PrivateKey = ${key.slice(1)}` }),
    'one character too many': sample({ device: `PrivateKey = ${key}=` }),
    'in quotes': sample({ device: `PrivateKey = "${key}"` }),
    'behind a dollar': sample({ device: `PrivateKey = $${key}` }),
    'in hexadecimal': sample({ device: `PrivateKey = ${hex}` }),
    'in another section': sample({ peer: `PrivateKey = ${key}` }),
    'before any section': `PrivateKey = ${key}\n${key}\n${sample({})}`,
    'as a section': `${sample({})}[${key}]\n${key} = ${key}`,
    'as an unknown section without its bracket': `${sample({})}[${key}`,
    'as a key of AmneziaWG': sample({ device: `Jc = ${key}\nHeaderProtectionKey = ${key}` }),
    'as an unknown key and its value': sample({ device: `${key.slice(0, 43)} = ${key}` }),
    ...inEachField('as every value', key),
    ...inEachField('as every value without its sign', key.slice(0, 43)),
    ...inEachField('as every value in hexadecimal', hex),
    ...inEachField('as every value with a port', `${key.slice(0, 43)}:51820`),
    ...inEachField('as every value with a length', `${key}/32`),
  };
}

function inEachField(title: string, value: string): Record<string, string> {
  const device = ['Address', 'DNS', 'MTU', 'ListenPort', 'FwMark', 'Table', 'SaveConfig', 'PostUp'];
  const peer = ['PresharedKey', 'AllowedIPs', 'Endpoint', 'PersistentKeepalive', 'Reserved'];
  return {
    [`${title} of [Interface]`]: sample({
      device: device.map((name) => `${name} = ${value}`).join('\n'),
    }),
    [`${title} of [Peer]`]: sample({ peer: peer.map((name) => `${name} = ${value}`).join('\n') }),
  };
}

describe('a key that slipped shows in no message', () => {
  test('of the corpus, which has keys', () => {
    expect(keys.length).toBeGreaterThan(20);
  });

  test.each(Object.keys(misplaced(PRIVATE_KEY)))('%s', (title) => {
    for (const key of keys) {
      const text = misplaced(key)[title];
      const told = [tell(text), tell(text, { ignoreUnknown: true })];
      const messages = told.flatMap(({ errors, warnings, notes }) => [
        ...errors,
        ...warnings,
        ...notes,
      ]);
      expect(messages.length).toBeGreaterThan(0);
      const spaceless = messages.join('\n').replace(/ /g, '');
      const shown = [...partsOf(key), ...partsOf(formatHex(parseKey(key)!))].filter((part) =>
        spaceless.includes(part),
      );
      expect(shown, `${text}\n${messages.join('\n')}`).toEqual([]);
    }
  });

  test('of a file as it is, cut at any byte', () => {
    for (const [name, bytes] of corpus) {
      const secrets = [...new TextDecoder().decode(bytes).matchAll(/[A-Za-z0-9+/]{43}=/g)].flatMap(
        ([key]) => partsOf(key),
      );
      for (let end = 0; end < bytes.length; end++) {
        const { errors, warnings, notes } = tell(bytes.subarray(0, end));
        const messages = [...errors, ...warnings, ...notes].join('\n');
        const shown = secrets.filter((part) => messages.includes(part));
        expect(shown, `${name}, ${end} bytes`).toEqual([]);
      }
    }
  });
});

test('a configuration shows none of its secrets as text, as JSON or when inspected', () => {
  const config = accept(corpus.get('airvpn')!);
  const psk = config.peers[0].presharedKey;
  expect(psk).toBeDefined();
  const shown = [
    String(config.interface.privateKey),
    JSON.stringify(config),
    inspect(config, { depth: 9 }),
  ].join();
  const secrets = [config.interface.privateKey, psk!].map((key) => key.revealHex());
  for (const hex of secrets) {
    const bytes = [...hex.matchAll(/../g)].map(([digits]) => parseInt(digits, 16));
    expect(shown).not.toContain(hex);
    expect(shown).not.toContain(bytes.slice(0, 4).join(', '));
    expect(shown).not.toContain(btoa(String.fromCharCode(...bytes)).slice(0, RUN));
  }
  expect(shown).toContain('(hidden)');
});

test('a text that could steer a terminal is not quoted', () => {
  for (const evil of ['\x1b[2J', '\x07', '\u202e', '\u200b', '\x9b31m', 'a'.repeat(101)]) {
    const text = new TextEncoder().encode(
      sample({ device: `DNS = ${evil}a\n${evil} = 1`, peer: `AllowedIPs = ${evil}\n[${evil}]` }),
    );
    const result = parseConfig(text);
    const messages = result.ok ? [] : result.errors.map(({ message }) => message);
    expect(messages.length).toBeGreaterThan(2);
    expect(messages.join()).not.toContain(evil);
  }
});
