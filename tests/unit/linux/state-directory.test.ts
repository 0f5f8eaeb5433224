import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordedTunnels } from '../../../src/linux/state-directory.ts';

const uid = process.geteuid?.() ?? 0;

let directory: string;
let own: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wg-wrap-'));
  own = join(directory, `wg-wrap-${uid}`);
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function record(runtime: string, key: string, name: string): void {
  mkdirSync(join(runtime, 'wg-wrap', key), { recursive: true, mode: 0o700 });
  const text = `state connected\npid 1\ntunnel ${name}\nconfig /home/ada/${name}.conf\n`;
  writeFileSync(join(runtime, 'wg-wrap', key, 'pin'), text);
}

const names = (environment: Parameters<typeof recordedTunnels>[0]): readonly string[] =>
  // A place of our own: this machine may have one for this user, and it may not.
  recordedTunnels(environment, join(directory, 'system')).map(({ name }) => name);

describe('the tunnels that are recorded', () => {
  it('are those of the runtime directory, by name', () => {
    record(directory, 'b', 'work');
    record(directory, 'c', 'home');
    mkdirSync(join(directory, 'wg-wrap/ended'));
    expect(names({ XDG_RUNTIME_DIR: directory })).toEqual(['home', 'work']);
  });

  // A process of root's passes over the checks that others meet.
  it.each(['', 'relative', '/nonexistent/x', '/etc/passwd', '/etc/passwd/x', '/proc/self/fd/9999'])(
    'are sought among the temporary files where XDG_RUNTIME_DIR is %j',
    (XDG_RUNTIME_DIR) => {
      expect(names({ XDG_RUNTIME_DIR, TMPDIR: directory })).toEqual([]);
      mkdirSync(own, { mode: 0o700 });
      record(own, 'a', 'work');
      expect(names({ XDG_RUNTIME_DIR, TMPDIR: directory })).toEqual(['work']);
    },
  );

  it("are sought in the system's place for the user before the temporary files", () => {
    record(join(directory, 'system', String(uid)), 'a', 'work');
    mkdirSync(own, { mode: 0o700 });
    record(own, 'b', 'home');
    expect(names({ TMPDIR: directory })).toEqual(['work']);
  });

  it('are none where something else has the place', () => {
    writeFileSync(own, '');
    expect(names({ TMPDIR: directory })).toEqual([]);
    expect(names({ TMPDIR: '/etc/passwd' })).toEqual([]);
    writeFileSync(join(directory, 'wg-wrap'), '');
    expect(names({ XDG_RUNTIME_DIR: directory })).toEqual([]);
  });

  it('are not believed where others could have written them', () => {
    mkdirSync(own);
    record(own, 'a', 'work');
    chmodSync(own, 0o750);
    expect(names({ TMPDIR: directory })).toEqual([]);
    record(directory, 'a', 'work');
    chmodSync(directory, 0o720);
    expect(names({ XDG_RUNTIME_DIR: directory, TMPDIR: '/nonexistent' })).toEqual([]);
  });
});
