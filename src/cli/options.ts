/**
 * The command line: the only importer of commander.
 *
 * The launcher's front has found the command already and reads no option but those it needs to find a
 * tunnel. Here all of it is understood, and refused with a message where it is wrong. Options end at
 * the first word that is not one, or at `--`.
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { WgWrapError } from '../errors.ts';
import { parseAddress, type Address } from '../ip.ts';
import type { RunOptions } from '../controller/options.ts';
import type { Verbosity } from './report.ts';

const DEFAULT_TIMEOUT_MS = 15_000;
/** setTimeout's limit, a bit less than 25 days. */
const MAX_TIMEOUT_MS = 0x7fffffff;

/** Words that are kept for further subcommands when they come first. */
const RESERVED = new Set(
  'up down exec status list wait logs check doctor publish profile gateway setup completion'.split(
    ' ',
  ),
);

/** What the user wants. */
export type Invocation =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'show'; readonly tunnel: string | undefined; readonly asDump: boolean }
  | { readonly kind: 'run'; readonly options: RunOptions; readonly verbosity: Verbosity };

interface ParsedOptions {
  readonly config?: string;
  readonly profile?: string;
  readonly connectTimeout?: number;
  readonly wait: boolean;
  readonly mtu?: number;
  readonly dns?: readonly Address[] | 'none';
  readonly ignoreUnknown?: boolean;
  readonly quiet?: boolean;
  readonly verbose: number;
  readonly help?: boolean;
  readonly version?: boolean;
}

/** The options that the environment may give; empty is unset, as for the launcher. */
export interface OptionEnvironment {
  readonly WG_WRAP_CONFIG?: string | undefined;
  readonly WG_WRAP_CONNECT_TIMEOUT?: string | undefined;
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
  if (words[0] === 'show') return parseShow(words.slice(1));
  return interpret(parse(runProgram(), words).opts<ParsedOptions>(), environment);
}

function parseShow(words: readonly string[]): Invocation {
  const grammar = quietProgram('show').argument('[tunnel]').option('--dump').option('-h, --help');
  const program = parse(grammar, words);
  const { dump, help } = program.opts<{ readonly dump?: boolean; readonly help?: boolean }>();
  if (help === true) return { kind: 'help' };
  return { kind: 'show', tunnel: program.args.at(0), asDump: dump ?? false };
}

function parse(program: Command, words: readonly string[]): Command {
  try {
    return program.parse([...words], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) throw usage(rephrase(error.message));
    throw error;
  }
}

function interpret(parsed: ParsedOptions, environment: OptionEnvironment): Invocation {
  if (parsed.help === true) return { kind: 'help' };
  if (parsed.version === true) return { kind: 'version' };
  if (parsed.config !== undefined && parsed.profile !== undefined) {
    throw usage('--config and --profile mean the same: give one of them');
  }
  // An empty word is a variable of the caller's shell that is not set.
  if (parsed.config === '') throw usage('--config needs a value');
  if (parsed.profile === '') throw usage('--profile needs a value');
  const configFromEnvironment =
    environment.WG_WRAP_CONFIG === '' ? undefined : environment.WG_WRAP_CONFIG;
  return {
    kind: 'run',
    options: {
      config: parsed.config ?? parsed.profile ?? configFromEnvironment,
      connectTimeoutMs:
        parsed.connectTimeout ?? timeoutFromEnvironment(environment) ?? DEFAULT_TIMEOUT_MS,
      wait: parsed.wait,
      mtu: parsed.mtu,
      dns: parsed.dns,
      ignoreUnknown: parsed.ignoreUnknown ?? false,
    },
    verbosity: { quiet: parsed.quiet ?? false, verbose: parsed.verbose },
  };
}

function timeoutFromEnvironment(environment: OptionEnvironment): number | undefined {
  const text = environment.WG_WRAP_CONNECT_TIMEOUT;
  if (text === undefined || text === '') return undefined;
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw usage(`WG_WRAP_CONNECT_TIMEOUT "${text}": ${error.message}`);
  }
}

/** A program that throws instead of printing and exiting. */
function quietProgram(name: string): Command {
  return new Command(name)
    .helpOption(false)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
}

function runProgram(): Command {
  return quietProgram('wg-wrap')
    .argument('[command...]')
    .passThroughOptions()
    .option('-c, --config <FILE|NAME>')
    .option('--profile <NAME>')
    .option('--connect-timeout <TIME>', '', parseDuration)
    .option('--no-wait')
    .option('--mtu <BYTES>', '', parseMtu)
    .option('--dns <ADDR,…|none>', '', parseDns)
    .option('--ignore-unknown')
    .option('-q, --quiet')
    .option('-v, --verbose', '', (_value, previous: number) => previous + 1, 0)
    .option('-V, --version')
    .option('-h, --help');
}

/** `15s`, `500ms`, `2m`, or a bare number of seconds. */
function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)?$/.exec(text);
  const unit = { ms: 1, s: 1000, m: 60_000 }[match?.[2] ?? 's'] ?? 1000;
  const milliseconds = match ? Math.round(Number(match[1]) * unit) : NaN;
  if (!(milliseconds <= MAX_TIMEOUT_MS)) {
    throw new InvalidArgumentError('expected a time such as 15s, 500ms or 2m');
  }
  return milliseconds;
}

function parseMtu(text: string): number {
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(mtu >= 576 && mtu <= 65535)) throw new InvalidArgumentError('expected 576 to 65535');
  return mtu;
}

function parseDns(text: string): readonly Address[] | 'none' {
  if (text === 'none') return 'none';
  return text.split(',').map((part) => {
    const address = parseAddress(part.trim());
    if (!address) throw new InvalidArgumentError('expected addresses with commas, or none');
    return address;
  });
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
