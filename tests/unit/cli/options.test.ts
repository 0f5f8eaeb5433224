import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HELP } from '../../../src/cli/help.ts';
import { parseCommandLine, subcommandOf, withTunnelOptions } from '../../../src/cli/options.ts';
import { RUN_OPTIONS } from '../../../src/cli/run-options.ts';
import { WgWrapError } from '../../../src/errors.ts';
import { formatAddress } from '../../../src/ip.ts';

const run = (...words: string[]) => {
  const invocation = parseCommandLine(words, process.env);
  if (invocation.kind !== 'run') throw new Error(`not a run: ${invocation.kind}`);
  return invocation;
};

const refusal = (...words: string[]): string => {
  try {
    parseCommandLine(words, process.env);
  } catch (error) {
    if (error instanceof WgWrapError && error.exitStatus === 64) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the command line', () => {
  it.each([
    [['-c', 'work.conf', '--', 'curl'], 'work.conf'],
    [['-cwork.conf', 'curl'], 'work.conf'],
    [['--config=work', 'curl'], 'work'],
    [['--profile', 'work', 'curl'], 'work'],
    [['curl'], undefined],
  ])('%j names the configuration %s', (words, config) => {
    expect(run(...words).options.config).toBe(config);
  });

  it('ends at the first word that is no option', () => {
    const { options, verbosity } = run('-c', 'work', 'prog', '--no-wait', '-v', '--unknown');
    expect(options.wait).toBe(true);
    expect(verbosity).toEqual({ quiet: false, verbose: 0 });
  });

  it('takes a program that is called like a subcommand after an option', () => {
    expect(run('-c', 'work', 'status').options.config).toBe('work');
  });

  it.each([
    ['15s', 15_000],
    ['500ms', 500],
    ['2m', 120_000],
    ['7', 7000],
    ['1.5s', 1500],
    ['0', 0],
  ])('reads the time %s as %i ms', (text, milliseconds) => {
    expect(run('--connect-timeout', text, 'x').options.connectTimeoutMs).toBe(milliseconds);
  });

  it('waits 15 seconds unless told otherwise', () => {
    expect(run('x').options).toMatchObject({ connectTimeoutMs: 15_000, wait: true });
    expect(run('--no-wait', 'x').options.wait).toBe(false);
  });

  it('reads options from the environment, and the command line wins', () => {
    vi.stubEnv('WG_WRAP_CONNECT_TIMEOUT', '30s');
    vi.stubEnv('WG_WRAP_CONFIG', 'home');
    expect(run('x').options).toMatchObject({ connectTimeoutMs: 30_000, config: 'home' });
    expect(run('-c', 'work', 'x').options.config).toBe('work');
  });

  it('takes an empty variable for one that is not set', () => {
    vi.stubEnv('WG_WRAP_CONNECT_TIMEOUT', '');
    vi.stubEnv('WG_WRAP_CONFIG', '');
    expect(run('x').options).toMatchObject({ connectTimeoutMs: 15_000, config: undefined });
  });

  it('prefers a profile of the command line to a configuration of the environment', () => {
    vi.stubEnv('WG_WRAP_CONFIG', 'home');
    expect(run('--profile', 'work', 'x').options.config).toBe('work');
  });

  it('blames a variable by its name, and not where nothing is waited for', () => {
    vi.stubEnv('WG_WRAP_CONNECT_TIMEOUT', 'soon');
    expect(refusal('x')).toBe(
      'WG_WRAP_CONNECT_TIMEOUT "soon": expected a time such as 15s, 500ms or 2m',
    );
    expect(run('--connect-timeout', '1s', 'x').options.connectTimeoutMs).toBe(1000);
    expect(parseCommandLine(['--help'], process.env).kind).toBe('help');
    expect(parseCommandLine(['--version'], process.env).kind).toBe('version');
  });

  it('takes every option from the environment, by its name', () => {
    for (const [name, value] of Object.entries({
      MTU: '1300',
      DNS: 'none',
      LINGER: '10s',
      IGNORE_UNKNOWN: '1',
      RESTART: '1',
      NO_WAIT: '1',
      QUIET: '1',
      VERBOSE: '1',
    })) {
      vi.stubEnv(`WG_WRAP_${name}`, value);
    }
    expect(run('x')).toMatchObject({
      options: {
        mtu: 1300,
        dns: 'none',
        lingerMs: 10_000,
        ignoreUnknown: true,
        restart: true,
        wait: false,
      },
      verbosity: { quiet: true, verbose: 1 },
    });
    expect(run('--mtu', '1400', '--linger=0', 'x').options).toMatchObject({
      mtu: 1400,
      lingerMs: 0,
    });
  });

  it('takes a switch of the environment for off at 0, and nothing but 0 and 1', () => {
    vi.stubEnv('WG_WRAP_NO_WAIT', '0');
    expect(run('x').options.wait).toBe(true);
    vi.stubEnv('WG_WRAP_NO_WAIT', 'yes');
    expect(refusal('x')).toBe('WG_WRAP_NO_WAIT "yes": expected 1 or 0');
    expect(run('--no-wait', 'x').options.wait).toBe(false);
  });

  it('takes one configuration from the environment, not two', () => {
    vi.stubEnv('WG_WRAP_PROFILE', 'home');
    expect(run('x').options.config).toBe('home');
    vi.stubEnv('WG_WRAP_CONFIG', 'work');
    expect(refusal('x')).toBe('WG_WRAP_CONFIG and WG_WRAP_PROFILE mean the same: set one of them');
    expect(run('-c', 'other', 'x').options.config).toBe('other');
  });

  it('has the options that the launcher reads, and no other', () => {
    const source = readFileSync('launcher/arguments.c', 'utf8');
    const table =
      /static const struct option options\[\] = \{\n([^]*?)\n\};/.exec(source)?.[1] ?? '';
    const row = /\{"([\w-]+)", (?:'(\w)'|0), (true|false), \w+, (?!VERB_)/g;
    const theirs = [...table.matchAll(row)].map(
      ([, name, letter, takesValue]) =>
        `${(letter as string | undefined) ? `-${letter}, ` : ''}--${name} ${takesValue}`,
    );
    const ours = RUN_OPTIONS.filter(({ key }) => key !== 'help' && key !== 'version').map(
      ({ flags }) => `${flags.replace(/ <.*/, '')} ${String(flags.includes('<'))}`,
    );
    expect([...theirs].sort()).toEqual([...ours].sort());
  });

  it('adds what a tunnel was started with to the options of a session', () => {
    const session = run('-c', 'work', '--mtu', '1400', '--no-wait', 'x').options;
    const given = new Map([
      ['mtu', '1300'],
      ['ignore-unknown', ''],
    ]);
    expect(withTunnelOptions(session, given)).toMatchObject({
      config: 'work',
      wait: false,
      mtu: 1300,
      ignoreUnknown: true,
      dns: undefined,
    });
  });

  it('refuses a value that no line of a record holds', () => {
    expect(refusal('--dns', '10.0.0.1\n', 'x')).toBe(
      '--dns "10.0.0.1\n": expected no control characters',
    );
    expect(refusal('--dns', '10.0.0.1,'.repeat(40), 'x')).toContain('expected at most 255 bytes');
  });

  it('reads name servers', () => {
    const { dns } = run('--dns', '10.0.0.1,fd00::1', 'x').options;
    expect((dns as Uint8Array[]).map(formatAddress)).toEqual(['10.0.0.1', 'fd00::1']);
    expect(run('--dns', 'none', 'x').options.dns).toBe('none');
  });

  it('refuses unknown keys of the file unless told otherwise', () => {
    expect(run('x').options.ignoreUnknown).toBe(false);
    expect(run('--ignore-unknown', 'x').options.ignoreUnknown).toBe(true);
  });

  it('counts -v', () => {
    expect(run('-vv', '-v', '-q', 'x').verbosity).toEqual({ quiet: true, verbose: 3 });
  });

  it.each([
    [['--publsh'], 'unknown option --publsh'],
    [['--dsn', 'none'], 'unknown option --dsn (nearest: --dns)'],
    [['-x'], 'unknown option -x'],
    [['-c'], '--config needs a value'],
    [['-c', '', 'x'], '--config needs a value'],
    [['--profile=', 'x'], '--profile needs a value'],
    [['--mtu'], '--mtu needs a value'],
    [['--mtu', '100', 'x'], '--mtu "100": expected 576 to 65535'],
    [['--dns', 'one', 'x'], '--dns "one": expected addresses with commas, or none'],
    [
      ['--connect-timeout', 'soon', 'x'],
      '--connect-timeout "soon": expected a time such as 15s, 500ms or 2m',
    ],
    [['-c', 'a', '--profile', 'b'], '--config and --profile mean the same: give one of them'],
  ])('%j is refused: %s', (words, message) => {
    expect(refusal(...words)).toBe(message);
  });

  it('keeps the names of subcommands', () => {
    expect(refusal('gateway', 'work')).toContain('wg-wrap -- gateway');
  });

  it('leaves subcommands that ask about tunnels to their own grammar', () => {
    expect(subcommandOf(['status', 'work'])).toBe('status');
    expect(subcommandOf(['-c', 'work', 'status'])).toBeUndefined();
    expect(subcommandOf([])).toBeUndefined();
  });

  it('shows tunnels', () => {
    expect(parseCommandLine(['show'], {})).toEqual({
      kind: 'show',
      tunnel: undefined,
      asDump: false,
    });
    expect(parseCommandLine(['show', 'work', '--dump'], {})).toEqual({
      kind: 'show',
      tunnel: 'work',
      asDump: true,
    });
    expect(refusal('show', 'work', 'home')).toBe('too many arguments (2, at most 1 here)');
    expect(refusal('show', '--dmp')).toBe('unknown option --dmp (nearest: --dump)');
  });

  it('knows help and version', () => {
    expect(parseCommandLine(['--help'], {}).kind).toBe('help');
    expect(parseCommandLine(['help'], {}).kind).toBe('help');
    expect(parseCommandLine(['show', '--help'], {}).kind).toBe('help');
    expect(parseCommandLine(['-V'], {}).kind).toBe('version');
  });
});

describe('the help', () => {
  it('fits one screen of 80 by 24 and a few lines', () => {
    const lines = HELP.split('\n');
    expect(lines.length).toBeLessThanOrEqual(30);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('names every option that the parser knows', () => {
    const options =
      '-c --config --profile --connect-timeout --no-wait --strict --isolate --mask-dbus --dns --mtu --linger --restart --ignore-unknown -q --quiet -v --verbose -V --version -h --help';
    for (const option of options.split(' ')) expect(HELP).toContain(option);
  });
});
