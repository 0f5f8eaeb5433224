/**
 * The command line: the only importer of commander.
 *
 * The launcher's front has found the command already and reads no option but those it needs to find a
 * tunnel. Here all of it is understood, and refused with a message where it is wrong. Options end at
 * the first word that is not one, or at `--`.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { WgWrapError } from '../errors.ts';
import type { RunOptions } from '../controller/options.ts';
import type { Verbosity } from './report.ts';
import {
  RUN_OPTIONS,
  valueFromEnvironment,
  type OptionEnvironment,
  type OptionRow,
  type ParsedOptions,
} from './run-options.ts';
import { InvalidValue } from './values.ts';

const DEFAULT_TIMEOUT_MS = 15_000;

/** Words that are kept for further subcommands when they come first. */
const RESERVED = new Set('doctor publish profile gateway setup completion'.split(' '));

const SUBCOMMANDS = ['status', 'list', 'wait', 'logs', 'check'] as const;

/** A subcommand that only asks; it has a grammar of its own (subcommands.ts). */
export type Subcommand = (typeof SUBCOMMANDS)[number];

/** Options of a run that a run in a tunnel that is there already can have, and the end of one. */
const EXEC_OPTIONS: readonly (keyof ParsedOptions)[] = [
  'connectTimeout',
  'wait',
  'strict',
  'isolate',
  'quiet',
  'verbose',
  'help',
];
/** Options about a command, of which `up` has none. */
const COMMAND_OPTIONS: readonly (keyof ParsedOptions)[] = ['strict', 'isolate'];
const DOWN_OPTIONS: readonly (keyof ParsedOptions)[] = ['quiet', 'verbose', 'help'];

/** What the user wants. */
export type Invocation =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'show'; readonly tunnel: string | undefined; readonly asDump: boolean }
  | { readonly kind: 'run'; readonly options: RunOptions; readonly verbosity: Verbosity };

/** The subcommand that these words are about, if it is one of those. */
export function subcommandOf(words: readonly string[]): Subcommand | undefined {
  return SUBCOMMANDS.find((name) => name === words[0]);
}

/**
 * Understands the words after the program's name.
 * @throws {WgWrapError} `usage`
 */
export function parseCommandLine(
  words: readonly string[],
  environment: OptionEnvironment,
): Invocation {
  if (words.length > 0 && RESERVED.has(words[0])) {
    throw usage(
      `"${words[0]}" is kept for a subcommand, which this version does not have (a program of that name: wg-wrap -- ${words[0]})`,
    );
  }
  if (words[0] === 'help') return { kind: 'help' };
  const rest = words.slice(1);
  switch (words.at(0)) {
    case 'show':
      return parseShow(rest);
    case 'up':
      return parseUp(rest, environment);
    case 'exec':
      return checkOnly(parse(execProgram(), rest), environment);
    case 'down':
      return checkOnly(parseDown(rest), environment);
    default:
      return interpret(parse(runProgram(), words), environment);
  }
}

/** The launcher does it all by itself, unless the configuration is at fault: then it is as for a run. */
function parseUp(words: readonly string[], environment: OptionEnvironment): Invocation {
  const rows = RUN_OPTIONS.filter(({ key }) => !COMMAND_OPTIONS.includes(key));
  const grammar = withOptions(quietProgram('up').argument('[name]'), rows);
  const program = parse(grammar.option('--foreground'), words);
  const name = program.args.at(0);
  const { config, profile } = program.opts<ParsedOptions>();
  if (name !== undefined && (config !== undefined || profile !== undefined)) {
    throw usage(`up ${name} and --config mean the same: give one of them`);
  }
  if (name !== undefined) program.setOptionValueWithSource('config', name, 'cli');
  return interpret(program, environment);
}

function execProgram(): Command {
  const grammar = quietProgram('exec').argument('<name>').argument('[command...]');
  return withOptions(grammar.passThroughOptions(), rowsOf(EXEC_OPTIONS));
}

function parseDown(words: readonly string[]): Command {
  const grammar = withOptions(quietProgram('down').argument('[name]'), rowsOf(DOWN_OPTIONS));
  const program = parse(grammar.option('--all').option('--kill'), words);
  const { all } = program.opts<{ readonly all?: boolean }>();
  if (all === true && program.args.length > 0) throw usage('down: give a name or --all, not both');
  return program;
}

/** The options of a session, with those of the tunnel as its starter gave them. */
export function withTunnelOptions(
  session: RunOptions,
  given: ReadonlyMap<string, string>,
): RunOptions {
  const words = [...given].map(([name, value]) =>
    value === '' ? `--${name}` : `--${name}=${value}`,
  );
  const invocation = interpret(parse(runProgram(), words), {});
  if (invocation.kind !== 'run') throw new TypeError('the front gave an option that is none');
  const { mtu, dns, ignoreUnknown, lingerMs } = invocation.options;
  return { ...session, mtu, dns, ignoreUnknown, lingerMs };
}

function rowsOf(keys: readonly (keyof ParsedOptions)[]): readonly OptionRow[] {
  return RUN_OPTIONS.filter(({ key }) => keys.includes(key));
}

/**
 * For what the launcher does by itself: it gives the line away only for help, and for a mistake, which
 * a look at the line and at the environment shows.
 */
function checkOnly(program: Command, environment: OptionEnvironment): Invocation {
  const invocation = interpret(program, environment);
  if (invocation.kind !== 'run') return invocation;
  throw usage('the command line can not be understood');
}

function parseShow(words: readonly string[]): Invocation {
  const grammar = quietProgram('show').argument('[tunnel]').option('--dump').option('-h, --help');
  const program = parse(grammar, words);
  const { dump, help } = program.opts<{ readonly dump?: boolean; readonly help?: boolean }>();
  if (help === true) return { kind: 'help' };
  return { kind: 'show', tunnel: program.args.at(0), asDump: dump ?? false };
}

/**
 * Has a grammar understand words.
 * @throws {WgWrapError} `usage`
 */
export function parse(program: Command, words: readonly string[]): Command {
  try {
    return program.parse([...words], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) throw usage(rephrase(error.message));
    throw error;
  }
}

function interpret(program: Command, environment: OptionEnvironment): Invocation {
  const given = program.opts<ParsedOptions>();
  if (given.help === true) return { kind: 'help' };
  if (given.version === true) return { kind: 'version' };
  addEnvironment(program, environment);
  const parsed = program.opts<ParsedOptions>();
  return {
    kind: 'run',
    options: {
      config: chooseConfig(parsed, environment),
      connectTimeoutMs: parsed.connectTimeout ?? DEFAULT_TIMEOUT_MS,
      wait: parsed.wait ?? true,
      restart: parsed.restart ?? false,
      lingerMs: parsed.linger ?? 0,
      mtu: parsed.mtu,
      quiet: parsed.quiet ?? false,
      dns: parsed.dns,
      ignoreUnknown: parsed.ignoreUnknown ?? false,
    },
    verbosity: { quiet: parsed.quiet ?? false, verbose: parsed.verbose ?? 0 },
  };
}

/** Fills in what the command line doesn't say. */
function addEnvironment(program: Command, environment: OptionEnvironment): void {
  for (const row of RUN_OPTIONS) {
    if (program.getOptionValueSource(row.key) === 'cli') continue;
    try {
      const value = valueFromEnvironment(row, environment);
      if (value !== undefined) program.setOptionValueWithSource(row.key, value, 'env');
    } catch (error) {
      if (!(error instanceof InvalidValue) || row.variable === undefined) throw error;
      throw usage(`${row.variable} "${environment[row.variable] ?? ''}": ${error.message}`);
    }
  }
}

function chooseConfig(parsed: ParsedOptions, environment: OptionEnvironment): string | undefined {
  if (parsed.config !== undefined && parsed.profile !== undefined) {
    throw usage('--config and --profile mean the same: give one of them');
  }
  // An empty word is a variable of the caller's shell that is not set.
  if (parsed.config === '') throw usage('--config needs a value');
  if (parsed.profile === '') throw usage('--profile needs a value');
  const given = parsed.config ?? parsed.profile;
  if (given !== undefined) return given;
  const found = ['WG_WRAP_CONFIG', 'WG_WRAP_PROFILE']
    .map((name) => environment[name] ?? '')
    .filter((value) => value !== '');
  if (found.length > 1) {
    throw usage('WG_WRAP_CONFIG and WG_WRAP_PROFILE mean the same: set one of them');
  }
  return found.at(0);
}

/** A program that throws instead of printing and exiting. */
export function quietProgram(name: string): Command {
  return new Command(name)
    .helpOption(false)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
}

function runProgram(): Command {
  const program = quietProgram('wg-wrap').argument('[command...]');
  return withOptions(program.passThroughOptions(), RUN_OPTIONS);
}

function withOptions(program: Command, rows: readonly OptionRow[]): Command {
  for (const row of rows) {
    if (row.parse) program.option(row.flags, '', forCommander(row.parse));
    else if (row.key === 'verbose') program.option(row.flags, '', count, 0);
    else program.option(row.flags);
  }
  return program;
}

function count(_value: string, previous: number): number {
  return previous + 1;
}

/** Commander tells of wrong values only what it is told in an error of its own. */
export function forCommander(parse: (text: string) => unknown): (text: string) => unknown {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof InvalidValue) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** Commander's messages in our voice. */
function rephrase(message: string): string {
  const text = message.replace(/^error: /, '');
  const unknown =
    /^unknown option '(.*)'(?:\n\(Did you mean (?:one of )?([^,?]*)[^?]*\?\))?$/s.exec(text);
  if (unknown) {
    const nearest = (unknown[2] as string | undefined) ? ` (nearest: ${unknown[2]})` : '';
    return `unknown option ${unknown[1]}${nearest}`;
  }
  const missing = /^option '(?:-\w, )?(--[\w-]+) .*' argument missing$/.exec(text);
  if (missing) return `${missing[1]} needs a value`;
  if (/^missing required argument 'name'/.test(text)) return 'exec needs the name of a tunnel';
  const invalid =
    /^option '(?:-\w, )?(--[\w-]+) .*' (?:argument|value) '(.*?)'.* is invalid\. (?:.*\. )?(.*)$/s.exec(
      text,
    );
  if (invalid) return `${invalid[1]} "${invalid[2]}": ${invalid[3]}`;
  const excess = /^too many arguments.* Expected (\d+) .* got (\d+)\.$/.exec(text);
  if (excess) return `too many arguments (${excess[2]}, at most ${excess[1]} here)`;
  return text;
}

function usage(message: string): WgWrapError {
  return new WgWrapError('usage', message);
}
