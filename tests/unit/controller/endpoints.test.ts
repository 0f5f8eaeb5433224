import { describe, expect, it } from 'vitest';
import { inOrder } from '../../../src/controller/endpoints.ts';
import { formatAddress, parseAddress, type Address } from '../../../src/ip.ts';

const addresses = (...texts: readonly string[]): readonly Address[] =>
  texts.map((text) => parseAddress(text)!);

const ordered = (
  texts: readonly string[],
  isReachable: (text: string) => boolean = () => true,
): readonly string[] =>
  inOrder(addresses(...texts), (address) => isReachable(formatAddress(address))).map(formatAddress);

describe('the order in which addresses are tried', () => {
  it('has the families in turns, beginning with the first one', () => {
    expect(
      ordered(['2001:db8::1', '2001:db8::2', '2001:db8::3', '192.0.2.1', '192.0.2.2']),
    ).toEqual(['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2', '2001:db8::3']);
    expect(ordered(['192.0.2.1', '2001:db8::1', '2001:db8::2'])).toEqual([
      '192.0.2.1',
      '2001:db8::1',
      '2001:db8::2',
    ]);
  });

  it("is otherwise the resolver's", () => {
    expect(ordered(['192.0.2.3', '192.0.2.1', '192.0.2.2'])).toEqual([
      '192.0.2.3',
      '192.0.2.1',
      '192.0.2.2',
    ]);
  });

  it('has those without a route at the end', () => {
    const isIPv4 = (text: string): boolean => !text.includes(':');
    expect(ordered(['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2'], isIPv4)).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '2001:db8::1',
      '2001:db8::2',
    ]);
  });

  it('has each address once, and not too many', () => {
    expect(ordered(['192.0.2.1', '192.0.2.1'])).toEqual(['192.0.2.1']);
    const many = Array.from({ length: 60 }, (_, i) => `192.0.2.${i}`);
    expect(ordered(many)).toEqual(many.slice(0, 32));
    expect(ordered([])).toEqual([]);
  });
});
