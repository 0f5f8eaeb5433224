/** Cryptokey routing, by example and against a list that is searched from end to end. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Address, Prefix } from '../../../src/ip.ts';
import { formatPrefix, maskPrefix, parsePrefix, prefixContains } from '../../../src/ip.ts';
import { AllowedIPs } from '../../../src/wireguard/allowedips.ts';

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (!parsed) throw new Error(`not a prefix: ${text}`);
  return parsed;
}

function address(text: string): Address {
  return prefix(text).address;
}

function tableOf(entries: Readonly<Record<string, string>>): AllowedIPs<string> {
  const table = new AllowedIPs<string>();
  for (const [text, owner] of Object.entries(entries)) table.insert(prefix(text), owner);
  return table;
}

/** The same thing, slow and obvious. */
class NaiveAllowedIPs {
  #entries: { readonly prefix: Prefix; readonly owner: string }[] = [];

  insert(added: Prefix, owner: string): void {
    this.#without(added);
    this.#entries.push({ prefix: maskPrefix(added), owner });
  }

  remove(removed: Prefix, owner: string): void {
    const text = formatPrefix(maskPrefix(removed));
    const held = this.#entries.find((entry) => formatPrefix(entry.prefix) === text);
    if (held?.owner === owner) this.#without(removed);
  }

  removeAll(owner: string): void {
    this.#entries = this.#entries.filter((entry) => entry.owner !== owner);
  }

  lookup(wanted: Address): string | undefined {
    return this.#entries
      .filter((entry) => prefixContains(entry.prefix, wanted))
      .sort((a, b) => b.prefix.length - a.prefix.length)
      .at(0)?.owner;
  }

  prefixesOf(owner: string): string[] {
    return this.#entries
      .filter((entry) => entry.owner === owner)
      .map((entry) => formatPrefix(entry.prefix));
  }

  #without(removed: Prefix): void {
    const text = formatPrefix(maskPrefix(removed));
    this.#entries = this.#entries.filter((entry) => formatPrefix(entry.prefix) !== text);
  }
}

describe('cryptokey routing', () => {
  it('gives an address to the longest prefix', () => {
    const table = tableOf({
      '0.0.0.0/0': 'default',
      '10.0.0.0/8': 'ten',
      '10.1.0.0/16': 'ten-one',
      '10.1.2.3/32': 'host',
      '::/0': 'default6',
      '2001:db8::/32': 'doc',
      '2001:db8::7/128': 'host6',
    });
    const found = [
      '1.2.3.4',
      '10.255.0.1',
      '10.1.255.255',
      '10.1.2.3',
      '10.1.2.2',
      '2001:db8::7',
      '2001:db8::6',
      'ff::',
    ].map((text) => table.lookup(address(text)));
    expect(found).toEqual([
      'default',
      'ten',
      'ten-one',
      'host',
      'ten-one',
      'host6',
      'doc',
      'default6',
    ]);
  });

  it('gives an address that nobody claims to nobody', () => {
    const table = tableOf({ '10.0.0.0/8': 'a', '10.128.0.0/9': 'b' });
    expect(table.lookup(address('11.0.0.1'))).toBeUndefined();
    expect(table.lookup(address('::1'))).toBeUndefined();
  });

  it('does not take IPv4 for the beginning of IPv6', () => {
    const table = tableOf({ '32.1.13.184/32': 'a' });
    expect(table.lookup(address('2001:db8::'))).toBeUndefined();
  });

  it('moves a prefix to whoever claims it last', () => {
    const table = tableOf({ '10.0.0.0/8': 'a' });
    table.insert(prefix('10.9.9.9/8'), 'b');
    expect(table.lookup(address('10.1.1.1'))).toBe('b');
    expect(table.prefixesOf('a')).toEqual([]);
    expect(table.prefixesOf('b').map(formatPrefix)).toEqual(['10.0.0.0/8']);
  });

  it('takes a prefix away from its owner only', () => {
    const table = tableOf({ '10.0.0.0/8': 'a' });
    table.remove(prefix('10.0.0.0/8'), 'b');
    table.remove(prefix('10.0.0.0/9'), 'a');
    table.remove(prefix('10.0.0.0/7'), 'a');
    expect(table.lookup(address('10.1.1.1'))).toBe('a');
    table.remove(prefix('10.7.7.7/8'), 'a');
    expect(table.lookup(address('10.1.1.1'))).toBeUndefined();
  });

  it('lets a shorter prefix have back what a removed one covered', () => {
    const table = tableOf({ '10.0.0.0/8': 'a', '10.1.0.0/16': 'b', '10.1.2.0/24': 'b' });
    table.removeAll('b');
    expect(table.lookup(address('10.1.2.3'))).toBe('a');
    expect(table.prefixesOf('b')).toEqual([]);
  });

  it('agrees with a list that is searched from end to end', () => {
    // Few distinct bits, so that prefixes nest, meet and are claimed again.
    const anAddress = fc.oneof(
      fc.array(fc.constantFrom(0, 1, 128, 129, 255), { minLength: 4, maxLength: 4 }),
      fc.array(fc.constantFrom(0, 128), { minLength: 16, maxLength: 16 }),
    );
    const aPrefix = anAddress.chain((bytes) =>
      fc
        .integer({ min: 0, max: 8 * bytes.length })
        .map((length): Prefix => ({ address: Uint8Array.from(bytes), length })),
    );
    const owner = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(fc.constant('insert' as const), aPrefix, owner) },
      { weight: 3, arbitrary: fc.tuple(fc.constant('remove' as const), aPrefix, owner) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('removeAll' as const), aPrefix, owner) },
    );
    const scenario = fc.tuple(fc.array(step, { maxLength: 60 }), fc.array(anAddress));
    fc.assert(
      fc.property(scenario, ([steps, addresses]) => {
        const [table, naive] = [new AllowedIPs<string>(), new NaiveAllowedIPs()];
        for (const [verb, changed, by] of steps) {
          for (const one of [table, naive]) {
            if (verb === 'removeAll') one.removeAll(by);
            else one[verb](changed, by);
          }
        }
        const wanted: Address[] = addresses.map((bytes) => Uint8Array.from(bytes));
        for (const [, { address: bytes }] of steps) wanted.push(bytes);
        for (const one of wanted) expect(table.lookup(one)).toBe(naive.lookup(one));
        for (const one of ['a', 'b', 'c']) {
          const held = table.prefixesOf(one).map(formatPrefix);
          expect(held.sort()).toEqual(naive.prefixesOf(one).sort());
        }
      }),
    );
  });
});
