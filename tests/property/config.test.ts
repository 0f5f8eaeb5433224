/**
 * Configurations as text and back, and texts that nobody meant to be one.
 *
 * A configuration is generated as values; reading its canonical text must give it back. Texts are
 * bytes without any sense, files of the corpus with a few bytes changed, and files put together of
 * lines that each are right or nearly so. None may make the parser throw, whatever it makes of them.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatDiagnostic,
  parseConfig,
  type Config,
  type ParseResult,
  type PeerConfig,
} from '../../src/config/config.ts';
import { printConfig } from '../../src/config/print.ts';
import {
  formatAddress,
  formatPrefix,
  maskPrefix,
  type Address,
  type Prefix,
} from '../../src/ip.ts';
import { formatKey, SecretKey } from '../../src/key.ts';
import { corpus, describeConfig } from '../unit/config/sample.ts';

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const key = bytesOf(32).filter((bytes) => bytes.some((byte) => byte !== 0));
const address: fc.Arbitrary<Address> = fc.oneof(bytesOf(4), bytesOf(16));
const prefix: fc.Arbitrary<Prefix> = address.chain((bytes) =>
  fc.record({ address: fc.constant(bytes), length: fc.nat(8 * bytes.length) }),
);
const port = fc.integer({ min: 1, max: 65535 });

/** A name whose last label is no number, so that no resolver takes it for an address. */
const name = fc
  .tuple(
    fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/), { maxLength: 3 }),
    fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,8}$/),
  )
  .map(([labels, last]) => [...labels, last].join('.'));

const uniquePrefixes = (maxLength: number): fc.Arbitrary<Prefix[]> =>
  fc.uniqueArray(prefix, { maxLength, selector: formatPrefix });

const endpoint = fc.record({
  host: fc.oneof(name, address.map(formatAddress)),
  port,
  line: fc.constant(0),
});

/** A peer as its own; what holds between peers comes after. */
const peer = fc.record(
  {
    publicKey: key,
    presharedKey: key.map((bytes) => new SecretKey(bytes)),
    allowedIPs: fc.array(prefix.map(maskPrefix), { maxLength: 6 }),
    endpoint,
    persistentKeepaliveSeconds: fc.integer({ min: 0, max: 65535 }),
    reserved: bytesOf(3),
    line: fc.constant(0),
  },
  { requiredKeys: ['publicKey', 'allowedIPs', 'persistentKeepaliveSeconds', 'line'] },
);

/** No prefix is in two peers, nor twice in one. */
function withOwnPrefixes(peers: readonly PeerConfig[]): PeerConfig[] {
  const taken = new Set<string>();
  return peers.map((one) => {
    const allowedIPs = one.allowedIPs.filter((allowedIP) => {
      const text = formatPrefix(allowedIP);
      return !taken.has(text) && taken.add(text);
    });
    return { ...one, allowedIPs };
  });
}

const config: fc.Arbitrary<Config> = fc.record({
  interface: fc.record(
    {
      privateKey: key.map((bytes) => new SecretKey(bytes)),
      addresses: uniquePrefixes(8).filter(({ length }) => length > 0),
      dnsServers: fc.uniqueArray(address, { maxLength: 4, selector: formatAddress }),
      searchDomains: fc.uniqueArray(name, { maxLength: 3 }),
      mtu: fc.integer({ min: 576, max: 65535 }),
      listenPort: fc.integer({ min: 0, max: 65535 }),
      lines: fc.constant({}),
    },
    {
      requiredKeys: [
        'privateKey',
        'addresses',
        'dnsServers',
        'searchDomains',
        'listenPort',
        'lines',
      ],
    },
  ),
  peers: fc
    .uniqueArray(peer, { minLength: 1, maxLength: 4, selector: (one) => formatKey(one.publicKey) })
    .map(withOwnPrefixes),
});

const parseText = (text: string): ParseResult => parseConfig(new TextEncoder().encode(text));

describe('the canonical text of a configuration', () => {
  test('means the configuration, with nothing to tell', () => {
    fc.assert(
      fc.property(config, (value) => {
        const result = parseText(printConfig(value));
        if (!result.ok) throw new Error(JSON.stringify(result.errors));
        expect(describeConfig(result.config)).toEqual(describeConfig(value));
        expect([...result.warnings, ...result.notes]).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('is the same when printed again', () => {
    for (const [file, bytes] of corpus) {
      const result = parseConfig(bytes);
      if (!result.ok) continue;
      const printed = printConfig(result.config);
      const again = parseText(printed);
      expect(again.ok && printConfig(again.config), file).toBe(printed);
    }
  });
});

/** What must hold of any result for any bytes. */
function checkResult(bytes: Uint8Array, ignoreUnknown: boolean): void {
  const result = parseConfig(bytes, { ignoreUnknown });
  const told = result.ok ? [...result.warnings, ...result.notes] : result.errors;
  if (result.ok) {
    expect(result.config.peers.length).toBeGreaterThan(0);
    expect(result.config.interface.addresses.length).toBeGreaterThan(0);
  } else {
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(20);
    const places = told.map(({ line, column }) => line * 2 ** 21 + column);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  }
  for (const diagnostic of told) {
    const text = formatDiagnostic('work.conf', diagnostic);
    expect(text).toMatch(/^work\.conf(?::\d+(?::\d+)?:)? \S.*$/u);
    expect(text.length).toBeLessThan(300);
  }
}

/** A file of the corpus with a few stretches replaced. */
const mutated = fc
  .tuple(
    fc.constantFrom(...corpus.values()),
    fc.array(fc.tuple(fc.nat(), fc.nat(12), fc.oneof(fc.uint8Array({ maxLength: 6 }), scrap())), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([bytes, changes]) => {
    let text = [...bytes];
    for (const [at, removed, inserted] of changes) {
      const start = at % (text.length + 1);
      text = [...text.slice(0, start), ...inserted, ...text.slice(start + removed)];
    }
    return Uint8Array.from(text);
  });

/** Text that means something somewhere in such a file. */
function scrap(): fc.Arbitrary<Uint8Array> {
  return fc
    .constantFrom('[Peer]\n', '[', ']', '=', '#', ',', '\n', '\r', ':', '/', 'off', '0x', '~', ' ')
    .map((text) => new TextEncoder().encode(text));
}

/** A file of lines that are each right, or nearly so. */
const assembled = fc
  .array(
    fc.oneof(
      fc.constantFrom('[Interface]', '[Peer]', '[Socks5]', '', '# note', 'Jc = 1'),
      fc
        .tuple(
          fc.constantFrom(
            'PrivateKey',
            'PublicKey',
            'presharedkey',
            'Address',
            'DNS',
            'MTU',
            'Foo',
          ),
          fc.oneof(key.map(formatKey), prefix.map(formatPrefix), fc.string()),
        )
        .map(([field, value]) => `${field} = ${value}`),
      fc
        .tuple(
          fc.constantFrom('AllowedIPs', 'Endpoint', 'Reserved', 'PersistentKeepalive', 'Table'),
          fc.oneof(prefix.map(formatPrefix), fc.webAuthority({ withPort: true }), fc.string()),
        )
        .map(([field, value]) => `${field}=${value}`),
    ),
    { maxLength: 30 },
  )
  .map((lines) => new TextEncoder().encode(lines.join('\n')));

describe('the parser never throws and always has something to say', () => {
  test.each<[string, fc.Arbitrary<Uint8Array>]>([
    ['about bytes', fc.uint8Array({ maxLength: 400 })],
    [
      'about text',
      fc.string({ unit: 'grapheme', maxLength: 300 }).map((text) => new TextEncoder().encode(text)),
    ],
    ['about a file with a few bytes changed', mutated],
    ['about lines put together', assembled],
  ])('%s', (_, bytes) => {
    fc.assert(fc.property(bytes, fc.boolean(), checkResult), { numRuns: 400 });
  });
});
