/**
 * The controller's entry: which role the front gave it, and how a failure ends the process.
 *
 *   cli      the front could not or need not find a tunnel: help, subcommands, mistakes
 *   cold     make a tunnel, and wait for its first handshake
 *   changed  the configuration of a tunnel that lives was touched: compare, and apply if asked to
 *   connect  somebody else is making it: wait for the first handshake
 *   resolve  the pin asks, for its engine: the endpoints' names once more
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reviewTunnel } from '../controller/change.ts';
import { readTunnelOptions } from '../controller/front.ts';
import type { RunOptions } from '../controller/options.ts';
import { resolveNames } from '../controller/resolve.ts';
import { showTunnels } from '../controller/show.ts';
import { checkConfiguration, joinStartingTunnel, startTunnel } from '../controller/start.ts';
import { WgWrapError } from '../errors.ts';
import { HELP } from './help.ts';
import { parseCommandLine, subcommandOf, withTunnelOptions } from './options.ts';
import { Report, reportBug, reportError } from './report.ts';

const ROLES = ['cli', 'cold', 'connect', 'changed', 'resolve'] as const;
type Role = (typeof ROLES)[number];

const BUG_STATUS = 125;

const installation = {
  libraryDirectory: import.meta.dirname,
  environment: process.env,
};

// Each write tells of its own failure; without a listener it would end the process as well.
process.stdout.on('error', () => undefined);

async function run(role: Role, words: readonly string[]): Promise<void> {
  if (role === 'resolve') {
    await resolveNames(words, tell);
    return;
  }
  const subcommand = role === 'cli' ? subcommandOf(words) : undefined;
  if (subcommand) {
    const { runSubcommand } = await import('./subcommands.ts');
    process.exitCode = await runSubcommand(
      subcommand,
      words.slice(1),
      installation.environment,
      tell,
    );
    return;
  }
  const invocation = parseCommandLine(words, installation.environment);
  switch (invocation.kind) {
    case 'help':
      await tell(HELP);
      return;
    case 'version':
      await tell(`wg-wrap ${version()}\n`);
      return;
    case 'show':
      await tell(await showTunnels(invocation.tunnel, invocation.asDump, installation.environment));
      return;
    case 'run':
      await runCommand(role, invocation.options, new Report(invocation.verbosity));
  }
}

/**
 * Resolves when all of `text` is on standard output: ending the process would cut off what a pipe has
 * not taken yet. False if its reader has gone, and wants no more.
 * @throws {WgWrapError} `setup`, if it can't be written.
 */
async function tell(text: string): Promise<boolean> {
  const error = await new Promise<Error | null | undefined>((resolve) => {
    process.stdout.write(text, resolve);
  });
  if (!error) return true;
  const code = 'code' in error ? String(error.code) : error.message;
  if (code !== 'EPIPE') throw new WgWrapError('setup', `cannot write to standard output (${code})`);
  return false;
}

async function runCommand(
  role: Exclude<Role, 'resolve'>,
  options: RunOptions,
  report: Report,
): Promise<void> {
  switch (role) {
    case 'cold':
      leaveSignalsToFront();
      await startTunnel(options, installation, report);
      return;
    case 'changed': {
      leaveSignalsToFront();
      const given = readTunnelOptions();
      await reviewTunnel(withTunnelOptions(options, given), given, installation, report);
      return;
    }
    case 'connect':
      leaveSignalsToFront();
      await joinStartingTunnel(options, installation);
      return;
    case 'cli':
      refuseText(options.config, installation.environment);
      // The front asks only where it found no configuration that it could use: here is the reason.
      checkConfiguration(options, installation, report);
      throw new WgWrapError('setup', 'the configuration appeared just now; run the command again');
  }
}

/**
 * What the terminal sends goes to the front as well. If that ignores it, so does this process; if it dies
 * of it, this process gets SIGTERM.
 */
function leaveSignalsToFront(): void {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT'] as const) {
    process.on(signal, () => undefined);
  }
}

/** Names that are kept for a configuration as text, for which the front takes them already. */
function refuseText(config: string | undefined, environment: NodeJS.ProcessEnv): void {
  // The command line wins.
  const { WG_WRAP_CONFIG, WG_WRAP_PROFILE } = environment;
  if (config !== undefined && config !== WG_WRAP_CONFIG && config !== WG_WRAP_PROFILE) return;
  for (const name of ['WG_WRAP_CONFIG_TEXT', 'WG_WRAP_CONFIG_BASE64']) {
    if ((environment[name] ?? '') === '') continue;
    throw new WgWrapError(
      'usage',
      `${name} is kept for a configuration as text, which this version can't read; give a file with -c`,
    );
  }
}

function version(): string {
  const text = readFileSync(join(installation.libraryDirectory, 'package.json'), 'utf8');
  // The build writes this file, with this one field that matters.
  return (JSON.parse(text) as { readonly version: string }).version;
}

function roleOf(word: string | undefined): Role {
  const role = ROLES.find((known) => known === word);
  if (!role) throw new WgWrapError('usage', 'this program is started by wg-wrap');
  return role;
}

async function main(): Promise<void> {
  try {
    await run(roleOf(process.argv[2]), process.argv.slice(3));
  } catch (error) {
    if (error instanceof WgWrapError) {
      reportError(error);
      process.exitCode = error.exitStatus;
    } else {
      reportBug(error);
      process.exitCode = BUG_STATUS;
    }
  }
  process.exit();
}

void main();
