/** Loading ffi-rs leaves Node as it was. */
import { expect, test } from 'vitest';
import { clockMilliseconds } from '../../../src/linux/ffi.ts';

const CLOCK_MONOTONIC = 1;

test("the diagnostic report is Node's own again after a call", () => {
  expect(clockMilliseconds(CLOCK_MONOTONIC)).toBeGreaterThan(0);
  expect(process.report.getReport()).toHaveProperty('header.nodejsVersion', process.version);
});
