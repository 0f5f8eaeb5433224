import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Report, reportBug, reportError } from '../../../src/cli/report.ts';
import { WgWrapError } from '../../../src/errors.ts';

let written: string;

beforeEach(() => {
  written = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a message', () => {
  it('is one line, whatever the name that it shows', () => {
    reportError(new WgWrapError('config', 'cannot read a\nwg-wrap: all is well\x1b[31m'));
    expect(written).toBe('wg-wrap: cannot read a\\x0awg-wrap: all is well\\x1b[31m\n');
  });

  it('keeps text in other scripts, and tabs', () => {
    reportError(new WgWrapError('config', 'cannot read\tünï☃.conf'));
    expect(written).toBe('wg-wrap: cannot read\tünï☃.conf\n');
  });

  it('of a bug has each line of the stack on one of its own', () => {
    reportBug(new Error('broken'));
    const lines = written.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines[0]).toBe('wg-wrap: internal error, please report it: Error: broken');
    for (const line of lines) expect(line).toMatch(/^wg-wrap: /);
  });
});

describe('what is told', () => {
  it.each([
    [{ quiet: false, verbose: 0 }, 'wg-wrap: w\n'],
    [{ quiet: true, verbose: 0 }, ''],
    [{ quiet: false, verbose: 1 }, 'wg-wrap: w\nwg-wrap: n\n'],
    [{ quiet: true, verbose: 2 }, 'wg-wrap: n\n'],
  ])('with %j is %j', (verbosity, text) => {
    const report = new Report(verbosity);
    report.warning('w');
    report.note('n');
    expect(written).toBe(text);
  });
});
