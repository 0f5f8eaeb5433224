/** The arithmetic of the benchmarks: what is wrong here is wrong in every number that they give. */
import { describe, expect, test } from 'vitest';
import { figuresOf, quantile, ratioOf, spreadOf } from '../../bench/figures.ts';

describe('a spread', () => {
  test('has the middle value, and the least and the most', () => {
    expect(spreadOf([5, 1, 3])).toEqual({ count: 3, median: 3, low: 1, high: 5 });
  });

  test('has the mean of the two middle values of an even number', () => {
    expect(spreadOf([4, 1, 3, 100]).median).toBe(3.5);
  });

  test('of one value is that value', () => {
    expect(spreadOf([7])).toEqual({ count: 1, median: 7, low: 7, high: 7 });
  });

  test('sorts numbers as numbers, and leaves the list as it was', () => {
    const values = [10, 9, 100];
    expect(spreadOf(values).median).toBe(10);
    expect(values).toEqual([10, 9, 100]);
  });
});

describe('a ratio', () => {
  test('is taken within each repetition, before the middle is', () => {
    // The middles of the two series would say 1.
    expect(ratioOf([10, 4, 60], [10, 1, 20])).toEqual({ count: 3, median: 3, low: 1, high: 4 });
  });

  test('leaves out what has no partner', () => {
    expect(ratioOf([4, 6], [2])).toEqual({ count: 1, median: 2, low: 2, high: 2 });
  });

  test('is none without a pair, and none to nothing', () => {
    expect(ratioOf([], [])).toBeUndefined();
    expect(ratioOf([1], [])).toBeUndefined();
    expect(ratioOf([1], [0])).toBeUndefined();
  });
});

test('a quantile between two values is between them in proportion', () => {
  expect(quantile([0, 10], 0.25)).toBe(2.5);
  expect(quantile([0, 10], 1)).toBe(10);
  expect(quantile([3], 0.99)).toBe(3);
});

test('figures have what nine of ten lie below and above', () => {
  const values = Array.from({ length: 11 }, (_, index) => index * 10);
  expect(figuresOf(values)).toEqual({ count: 11, median: 50, p10: 10, p90: 90 });
});
