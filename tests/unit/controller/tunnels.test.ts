import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Lines } from '../../../src/controller/logs.ts';
import { assign } from '../../../src/controller/sessions.ts';
import { chooseTunnel, notRunning } from '../../../src/controller/tunnels.ts';
import { RECORD } from './sample-status.ts';

const OURS = 1;
const at = (name: string, config: string, hostNetns = OURS): typeof RECORD => ({
  ...RECORD,
  name,
  config,
  hostNetns,
});
const work = at('work', '/home/ada/work.conf');
const home = at('home', '/home/ada/home.conf');
const rival = at('work', '/srv/work.conf');

describe('the tunnel that is meant', () => {
  it('is the one of that name', () => {
    expect(chooseTunnel('home', [work, home], OURS)).toBe(home);
    expect(chooseTunnel('else', [work, home], OURS)).toBeUndefined();
  });

  it('is the only one, if there is no name', () => {
    expect(chooseTunnel(undefined, [work], OURS)).toBe(work);
    expect(chooseTunnel(undefined, [], OURS)).toBeUndefined();
    expect(() => chooseTunnel(undefined, [home, work], OURS)).toThrow(
      '2 tunnels are running (home, work); name one',
    );
  });

  it('is not guessed between two of one name', () => {
    expect(() => chooseTunnel('work', [work, rival], OURS)).toThrow(
      'two tunnels are called "work": /home/ada/work.conf and /srv/work.conf; give the path',
    );
    expect(chooseTunnel('/srv/work.conf', [work, rival], OURS)).toBe(rival);
  });

  it('is found by the path of its configuration, over links, and after that is gone', () => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'wg-wrap-')));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, 'a.conf'), '');
    symlinkSync('a.conf', join(directory, 'b.conf'));
    const record = at('a', join(directory, 'a.conf'));
    expect(chooseTunnel(join(directory, 'b.conf'), [record], OURS)).toBe(record);
    expect(chooseTunnel('/home/ada/../ada/work.conf', [work], OURS)).toBe(work);
  });

  it('is that of our own network, where one configuration runs in several', () => {
    const inside = at('work', '/home/ada/work.conf', 2);
    expect(chooseTunnel('/home/ada/work.conf', [inside, work], OURS)).toBe(work);
    expect(chooseTunnel('/home/ada/work.conf', [inside], OURS)).toBe(inside);
  });

  it('is missed in words', () => {
    expect(notRunning('work')).toBe('no tunnel "work" is running');
    expect(notRunning(undefined)).toBe('no tunnel is running');
  });
});

describe('the inhabitants of a tunnel', () => {
  const names = new Map([
    [10, 'bash'],
    [11, 'cu\x1brl'],
  ]);
  const assigned = (
    ...args: Parameters<typeof assign> extends [infer A, infer B, unknown] ? [A, B] : never
  ) => assign(args[0], args[1], (pid) => names.get(pid));

  it('belong to the session whose file they hold', () => {
    const found = assigned(
      [{ pid: 10, id: '1:100' }],
      [
        { pid: 10, files: new Set(['1:100'] as const) },
        { pid: 11, files: new Set(['1:100', '1:5'] as const) },
        { pid: 12, files: new Set(['1:5'] as const) },
      ],
    );
    expect(found).toEqual({ sessions: [{ pid: 10, command: 'bash' }], others: [12] });
  });

  it('keep a session whose command has ended', () => {
    const found = assigned(
      [{ pid: 10, id: '1:100' }],
      [{ pid: 11, files: new Set(['1:100'] as const) }],
    );
    expect(found.sessions).toEqual([{ pid: 11, command: String.raw`cu\x1brl` }]);
  });

  it('are known by their pid where their descriptors are hidden', () => {
    const found = assigned([{ pid: 12, id: '1:100' }], [{ pid: 12, files: new Set<never>() }]);
    expect(found).toEqual({ sessions: [{ pid: 12, command: '?' }], others: [] });
  });

  it('are none where a session is left that nobody holds', () => {
    expect(assigned([{ pid: 10, id: undefined }], [])).toEqual({ sessions: [], others: [] });
  });
});

describe('text that comes in pieces', () => {
  it('is cut into lines', () => {
    const lines = new Lines();
    expect(lines.take('one\ntw')).toEqual(['one']);
    expect(lines.take('o')).toEqual([]);
    expect(lines.take('\n\nfour')).toEqual(['two', '']);
    expect(lines.rest()).toEqual(['four']);
    expect(new Lines().rest()).toEqual([]);
  });
});
