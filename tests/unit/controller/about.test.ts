import { describe, expect, it } from 'vitest';
import {
  aboutDuringChange,
  fingerprintsOf,
  formatAbout,
  knownFingerprints,
  makeAbout,
  parseAbout,
  publicKeysOf,
  type AboutFacts,
} from '../../../src/controller/about.ts';
import { parseConfig, type Config } from '../../../src/config/config.ts';
import { parseAddress } from '../../../src/ip.ts';
import { formatKey } from '../../../src/key.ts';
import { x25519 } from '../../../src/wireguard/x25519.ts';

const key = (byte: number): string => formatKey(new Uint8Array(32).fill(byte));

const FIRST = `[Peer]
PublicKey = ${key(9)}
PresharedKey = ${key(8)}
AllowedIPs = 10.2.0.0/16, ::/0
Endpoint = vpn.example.com:51820
PersistentKeepalive = 25
`;
const SECOND = `[Peer]
PublicKey = ${key(10)}
AllowedIPs = 10.3.0.0/16
Endpoint = [2001:db8::1]:5
`;
const INTERFACE = `[Interface]
PrivateKey = ${key(7)}
Address = 10.2.0.2/24, fd00::2/64
DNS = 10.2.0.1, corp.example
`;

const parsed = (text: string): Config => {
  const result = parseConfig(new TextEncoder().encode(text));
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.config;
};

const facts: AboutFacts = {
  tunnel: 'work',
  config: '/home/ada/work.conf',
  startedAtMs: 1_700_000_000_000,
  options: {},
  mtu: 1400,
  dns: {
    mode: 'tunnel',
    servers: [parseAddress('10.2.0.1')!],
    searchDomains: ['corp.example'],
    extraRoutes: [],
    warnings: [],
    notes: [],
  },
  lingerMs: 0,
  warnings: ['a warning'],
  notes: [],
};

const base = `${INTERFACE}${FIRST}${SECOND}`;

/** The keys whose fingerprints differ between two texts. */
function changed(one: string, other: string): readonly string[] {
  const [before, after] = [fingerprintsOf(parsed(one)), fingerprintsOf(parsed(other))];
  return Object.entries(before)
    .filter(([name, value]) => after[name as keyof typeof after] !== value)
    .map(([name]) => name);
}

describe('what a tunnel was started from', () => {
  const about = makeAbout(parsed(base), facts);

  it('has what the engine does not know', () => {
    expect(about).toMatchObject({
      schema: 1,
      tunnel: 'work',
      config: '/home/ada/work.conf',
      startedAtMs: 1_700_000_000_000,
      interface: {
        name: 'wg0',
        addresses: ['10.2.0.2/24', 'fd00::2/64'],
        mtu: 1400,
        publicKey: formatKey(x25519.publicKey(new Uint8Array(32).fill(7))),
      },
      dns: { mode: 'tunnel', servers: ['10.2.0.1'], search: ['corp.example'] },
      peers: [
        { publicKey: key(9), endpoint: 'vpn.example.com:51820' },
        { publicKey: key(10), endpoint: '[2001:db8::1]:5' },
      ],
      lingerMs: 0,
      warnings: ['a warning'],
      notes: [],
    });
  });

  it('is read back as it was written', () => {
    expect(parseAbout(formatAbout(about))).toEqual(about);
  });

  it('holds no secret', () => {
    const text = formatAbout(about);
    for (const byte of [7, 8]) {
      expect(text).not.toContain(key(byte).slice(0, 40));
      expect(text).not.toContain(`0${byte}`.repeat(16));
    }
  });

  it.each(['', 'x', 'null', '7', '{}', '{"schema":2}'])('is not read from %j', (text) => {
    expect(parseAbout(text)).toBeUndefined();
  });
});

describe('what a tunnel was started from, while something else is put into it', () => {
  const before = makeAbout(parsed(base), facts);
  const after = makeAbout(parsed(base.replace(key(7), key(6))), facts);
  const during = aboutDuringChange(before, after);

  it('says nothing of what it runs with', () => {
    expect(knownFingerprints(before)).toEqual(before.fingerprints);
    expect(knownFingerprints(during)).toBeUndefined();
    expect(knownFingerprints(parseAbout(formatAbout(during))!)).toBeUndefined();
  });

  it('has every key that it may run with, also of a change that was cut off', () => {
    const third = makeAbout(parsed(base.replace(key(7), key(5))), facts);
    const keys = [before, after, third].map((about) => about.interface.publicKey);
    expect(publicKeysOf(before)).toEqual(keys.slice(0, 1));
    expect(publicKeysOf(during)).toEqual(keys.slice(0, 2));
    expect(publicKeysOf(aboutDuringChange(aboutDuringChange(during, third), after))).toEqual(keys);
  });
});

describe('the fingerprints of a configuration', () => {
  it('are the same for the same values in another order, case and layout', () => {
    const swapped = `${INTERFACE}${SECOND}${FIRST}`.replace(
      'AllowedIPs = 10.2.0.0/16, ::/0',
      'allowedips=::/0\nAllowedIPs = 10.2.0.9/16 # here',
    );
    expect(changed(base, swapped)).toEqual([]);
  });

  it.each([
    ['PrivateKey', base.replace(key(7), key(6)), ['PrivateKey', 'PresharedKey']],
    ['Address', base.replace('10.2.0.2/24', '10.2.0.3/24'), ['Address']],
    ['DNS', base.replace('corp.example', 'other.example'), ['DNS']],
    ['MTU', base.replace('DNS', 'MTU = 1300\nDNS'), ['MTU']],
    ['ListenPort', base.replace('DNS', 'ListenPort = 1300\nDNS'), ['ListenPort']],
    ['PresharedKey', base.replace(key(8), key(5)), ['PresharedKey']],
    ['AllowedIPs', base.replace('10.3.0.0/16', '10.3.0.0/17'), ['AllowedIPs']],
    ['Endpoint', base.replace('com:51820', 'com:51821'), ['Endpoint']],
    ['PersistentKeepalive', base.replace('= 25', '= 26'), ['PersistentKeepalive']],
    ['Reserved', `${base}Reserved = 1,2,3\n`, ['Reserved']],
    [
      'a peer',
      `${INTERFACE}${SECOND}`,
      ['PublicKey', 'PresharedKey', 'AllowedIPs', 'Endpoint', 'PersistentKeepalive'],
    ],
  ])('tell that %s has changed', (_name, text, expected) => {
    expect(changed(base, text)).toEqual(expected);
  });

  it('of preshared keys depend on the private key', () => {
    const other = fingerprintsOf(parsed(base.replace(key(7), key(6))));
    expect(other.PresharedKey).not.toBe(fingerprintsOf(parsed(base)).PresharedKey);
  });
});
