import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WgWrapError } from '../../../src/errors.ts';
import { readConfigFile, type ProfileEnvironment } from '../../../src/linux/config-file.ts';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'wg-wrap-'));
  mkdirSync(join(home, 'wg-wrap/profiles'), { recursive: true });
});

afterEach(() => {
  rmSync(home, { recursive: true });
});

const read = (source?: string) => readConfigFile(source, { XDG_CONFIG_HOME: home });

const refusal = (source?: string): string => {
  try {
    read(source);
  } catch (error) {
    if (error instanceof WgWrapError && error.exitStatus === 78) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('a configuration file', () => {
  it('is a path if it has a slash or ends in .conf', () => {
    const path = join(home, 'my work.conf');
    writeFileSync(path, 'text', { mode: 0o600 });
    expect(read(path)).toMatchObject({ realPath: path, name: 'my work', shown: path, mode: 0o600 });
    expect(new TextDecoder().decode(read(path).bytes)).toBe('text');
  });

  it('is a profile by name otherwise, and called default if there is none', () => {
    writeFileSync(join(home, 'wg-wrap/profiles/work.conf'), 'a');
    writeFileSync(join(home, 'wg-wrap/profiles/default.conf'), 'b');
    expect(read('work')).toMatchObject({ name: 'work', shown: 'work.conf' });
    expect(read()).toMatchObject({ name: 'default' });
  });

  it('is known by its real path', () => {
    const path = join(home, 'a.conf');
    writeFileSync(path, '');
    symlinkSync(path, join(home, 'b.conf'));
    expect(read(join(home, 'b.conf')).realPath).toBe(path);
    expect(read(join(home, 'b.conf')).stamp).toBe(read(path).stamp);
  });

  it('has another stamp once it was written again', () => {
    const path = join(home, 'a.conf');
    writeFileSync(path, 'one');
    const before = read(path).stamp;
    writeFileSync(path, 'three');
    expect(read(path).stamp).not.toBe(before);
    expect(before).toMatch(/^\d+ \d+ 3 \d+$/);
  });

  it('that is nowhere is refused with the places that were looked at', () => {
    expect(refusal('nowhere')).toBe(
      `no profile "nowhere": looked for ${home}/wg-wrap/profiles/nowhere.conf and /etc/wireguard/nowhere.conf`,
    );
    expect(refusal('./nowhere')).toBe('cannot read ./nowhere (no such file)');
  });

  it('that is a directory or far too large is refused', () => {
    expect(refusal(home)).toBe(`${home} is a directory, not a config`);
    const path = join(home, 'large.conf');
    writeFileSync(path, new Uint8Array((1 << 20) + 1));
    expect(refusal(path)).toBe(`${path} is not a config (larger than 1 MiB)`);
  });

  it('that is a pipe is refused at once, though nobody writes to it', () => {
    const path = join(home, 'pipe.conf');
    execFileSync('mkfifo', [path]);
    expect(refusal(path)).toBe(`${path} is a pipe or device, not a config`);
    expect(refusal('/dev/null')).toBe('/dev/null is a pipe or device, not a config');
  });

  it.each(['-', '/dev/stdin', '/dev/fd/7', '/proc/self/fd/7'])(
    'called %s is refused, for that is a descriptor of another process',
    (name) => {
      expect(refusal(name)).toBe(`${name} is not a file of its own; give the path of a config`);
    },
  );

  it('is looked for below HOME, and never below the current directory', () => {
    const looked = (environment: ProfileEnvironment): string => {
      try {
        return readConfigFile('nowhere', environment).realPath;
      } catch (error) {
        return String(error);
      }
    };
    const system = '/etc/wireguard/nowhere.conf';
    const own = '.config/wg-wrap/profiles/nowhere.conf';
    expect(looked({ HOME: home })).toContain(`looked for ~/${own} and ${system}`);
    expect(looked({ HOME: '/', XDG_CONFIG_HOME: 'x' })).toContain(
      `looked for /${own} and ${system}`,
    );
    for (const HOME of [undefined, '', 'relative']) {
      expect(looked({ HOME })).toContain(`looked for ${system}`);
    }
  });

  it("of the user's own that can't be read is not replaced by the system's", () => {
    symlinkSync('loop.conf', join(home, 'wg-wrap/profiles/loop.conf'));
    expect(refusal('loop')).toBe(
      `cannot read ${home}/wg-wrap/profiles/loop.conf (too many symbolic links)`,
    );
    writeFileSync(join(home, 'file'), '');
    expect(() => readConfigFile('nowhere', { XDG_CONFIG_HOME: join(home, 'file') })).toThrow(
      /^no profile "nowhere"/,
    );
  });

  it('whose whole name is .conf has that name', () => {
    writeFileSync(join(home, '.conf'), '');
    expect(read(join(home, '.conf')).name).toBe('.conf');
  });

  it('that is a loop of links is refused', () => {
    symlinkSync('loop.conf', join(home, 'loop.conf'));
    expect(refusal(join(home, 'loop.conf'))).toContain('too many symbolic links');
  });

  it('tells who may read it', () => {
    const path = join(home, 'a.conf');
    writeFileSync(path, '');
    chmodSync(path, 0o644);
    expect(read(path).mode).toBe(0o644);
  });
});
