/**
 * The subcommands that only ask: their words, and what each prints. Loaded only for them, so
 * that starting a tunnel doesn't wait for it.
 */
import { checkFile, type CheckEnvironment } from '../controller/check.ts';
import { showLog } from '../controller/logs.ts';
import type { Output } from '../controller/output.ts';
import { listTunnels, showStatus } from '../controller/status.ts';
import { waitForTunnel } from '../controller/wait.ts';
import { watchStatus, type WatchEnvironment } from '../controller/watch.ts';
import { WgWrapError } from '../errors.ts';
import { HELP } from './help.ts';
import { forCommander, parse, quietProgram, type Subcommand } from './options.ts';
import { InvalidValue, parseDuration } from './values.ts';

const DEFAULT_WAIT_MS = 30_000;

interface Given {
  readonly json?: boolean;
  readonly prometheus?: boolean;
  readonly watch?: boolean;
  readonly follow?: boolean;
  readonly lines?: number;
  readonly timeout?: number;
  readonly ignoreUnknown?: boolean;
  readonly help?: boolean;
}

/** What all of them together read of the environment. */
export type SubcommandEnvironment = WatchEnvironment & CheckEnvironment;

/** Runs a subcommand; returns its exit status. */
export async function runSubcommand(
  name: Subcommand,
  words: readonly string[],
  environment: SubcommandEnvironment,
  output: Output,
): Promise<number> {
  const program = parse(grammarOf(name), words);
  const given = program.opts<Given>();
  const tunnel = program.args.at(0);
  if (given.help === true) {
    await output(HELP);
    return 0;
  }
  switch (name) {
    case 'status':
      return await status(tunnel, given, environment, output);
    case 'list':
      await output(await listTunnels(given.json ?? false, environment));
      return 0;
    case 'wait':
      await waitForTunnel(tunnel, given.timeout ?? DEFAULT_WAIT_MS, environment);
      return 0;
    case 'logs':
      await showLog(
        tunnel,
        { lines: given.lines, follow: given.follow ?? false },
        environment,
        output,
      );
      return 0;
    case 'check':
      if (tunnel === undefined) throw new WgWrapError('usage', 'check needs a file or a profile');
      return await check(tunnel, given, environment, output);
  }
}

async function check(
  source: string,
  { json, ignoreUnknown }: Given,
  environment: SubcommandEnvironment,
  output: Output,
): Promise<number> {
  const options = { asJson: json ?? false, ignoreUnknown: ignoreUnknown ?? false };
  const answer = checkFile(source, options, environment);
  await output(answer.text);
  return answer.exitStatus;
}

function grammarOf(name: Subcommand): ReturnType<typeof quietProgram> {
  const program = quietProgram(name).option('-h, --help');
  switch (name) {
    case 'status':
      return program
        .argument('[tunnel]')
        .option('--json')
        .option('--prometheus')
        .option('-w, --watch');
    case 'list':
      return program.option('--json');
    case 'wait':
      return program
        .argument('[tunnel]')
        .option('--timeout <TIME>', '', forCommander(parseDuration));
    case 'logs':
      return program
        .argument('[tunnel]')
        .option('-f, --follow')
        .option('-n, --lines <N>', '', forCommander(parseLines));
    case 'check':
      // What is missing is asked for below, so that --help needs none.
      return program.argument('[file]').option('--json').option('--ignore-unknown');
  }
}

async function status(
  tunnel: string | undefined,
  { json, prometheus, watch }: Given,
  environment: WatchEnvironment,
  output: Output,
): Promise<number> {
  if (prometheus === true && (json === true || watch === true)) {
    throw new WgWrapError('usage', '--prometheus goes with neither --json nor --watch');
  }
  if (watch === true) {
    await watchStatus(tunnel, json ?? false, environment, output);
    return 0;
  }
  const form = prometheus === true ? 'prometheus' : json === true ? 'json' : 'text';
  const answer = await showStatus(tunnel, form, environment);
  await output(answer.text);
  return answer.exitStatus;
}

function parseLines(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidValue('expected a number of lines');
  return Number(text);
}
