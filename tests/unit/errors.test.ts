import { describe, expect, test } from 'vitest';
import { WgWrapError, type ErrorCode } from '../../src/errors.ts';

describe('an error with a known cause', () => {
  test.each<[ErrorCode, number]>([
    ['usage', 64],
    ['config', 78],
    ['notConnected', 124],
    ['setup', 125],
  ])('of kind %s ends the program with %i', (code, status) => {
    expect(new WgWrapError(code, 'x').exitStatus).toBe(status);
  });

  test('has one line for one message', () => {
    const error = new WgWrapError('usage', 'unknown option --publsh');
    expect(error.lines).toEqual(['unknown option --publsh']);
    expect(error.message).toBe('unknown option --publsh');
    expect(error.name).toBe('WgWrapError');
    expect(error).toBeInstanceOf(Error);
  });

  test('has a line for each of several messages, and keeps what caused it', () => {
    const cause = new Error('ENOENT');
    const error = new WgWrapError('config', ['a.conf:1:1: x', 'a.conf:2:1: y'], { cause });
    expect(error.lines).toEqual(['a.conf:1:1: x', 'a.conf:2:1: y']);
    expect(error.message).toBe('a.conf:1:1: x\na.conf:2:1: y');
    expect(error.cause).toBe(cause);
  });
});
