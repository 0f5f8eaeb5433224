import { describe, expect, it } from 'vitest';
import { decideMtu } from '../../../src/controller/mtu.ts';

const route = (mtu: number): { address: string; mtu: number } => ({ address: '203.0.113.4', mtu });

describe('the MTU', () => {
  it.each([
    [1500, 1420],
    [1492, 1412],
    [9000, 1420],
    [65536, 1420],
    [1360, 1280],
    [1300, 1280],
  ])('over a route of %i is %i', (carried, mtu) => {
    expect(decideMtu(undefined, [route(carried)])).toEqual({ mtu, warnings: [] });
  });

  it('follows the narrowest of several routes', () => {
    expect(decideMtu(undefined, [route(1500), route(1400), route(9000)]).mtu).toBe(1320);
  });

  it('without a known route is 1420', () => {
    expect(decideMtu(undefined, []).mtu).toBe(1420);
  });

  it('is what was asked for, without a word if the route carries it', () => {
    expect(decideMtu(1280, [route(1500)])).toEqual({ mtu: 1280, warnings: [] });
    expect(decideMtu(9000, [])).toEqual({ mtu: 9000, warnings: [] });
  });

  it('is what was asked for, with a warning if the route is too narrow', () => {
    expect(decideMtu(1500, [route(1500)])).toEqual({
      mtu: 1500,
      warnings: [
        'MTU = 1500 is above what the route to 203.0.113.4 carries (1420); large packets may be lost',
      ],
    });
  });
});
