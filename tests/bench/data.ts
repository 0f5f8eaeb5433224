/**
 * How fast packets go through a tunnel, beside wireguard-go and beside no encryption at all.
 *
 *     make bench [BENCH='--rows tcp,udp-64 --repetitions N --seconds N --soak N --json FILE --svg FILE …']
 *
 * As root, which makes the two machines of mesh.ts; the product runs in them as an ordinary uid. Each
 * repetition begins with new processes and measures all pairs in turns, row by row, so that what the
 * machine does meanwhile falls on all of them alike; their order changes from one to the next. It is no
 * test: only ratios of one run mean anything. docs/bench.md explains the rows and the JSON.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatChart } from './chart.ts';
import { echoes, MEASUREMENTS } from './measurements.ts';
import { Mesh, type MeshOptions, type PairName } from './mesh.ts';
import { formatJson, formatTable, Results, type Circumstances } from './report.ts';
import { install } from './rig.ts';
import { formatSoak, largerRssMiB, soak, type SoakedPair } from './soak.ts';

const CC = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-static', '-pthread'];
const PROGRAMS = ['flood', 'requests', 'echo', 'forward'] as const;
const WARM_UP_S = 0.1;
/** Unless told otherwise, where all rows are wanted. */
const SOAK_S = 600;
/** Those whose memory is compared. */
const MEASURED: readonly PairName[] = ['ours', 'theirs'];

interface Settings {
  readonly rows: readonly string[];
  readonly repetitions: number;
  readonly seconds: number;
  readonly soakSeconds: number;
}

/** Waits until every pair has its keys; throws for one that doesn't work. */
async function warmUp(mesh: Mesh): Promise<void> {
  for (const pair of mesh.pairs.values()) await echoes(pair, WARM_UP_S);
}

function readMemory(mesh: Mesh, results: Results, figure: 'rssBefore' | 'rssAfter'): void {
  for (const name of MEASURED) {
    const { near, far } = mesh.pairs.get(name)!;
    results.add(name, { [figure]: largerRssMiB([near, far]) });
  }
}

/** `list`, beginning with another one each time. */
function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

async function repeat(
  mesh: Mesh,
  results: Results,
  settings: Settings,
  repetition: number,
): Promise<void> {
  await warmUp(mesh);
  readMemory(mesh, results, 'rssBefore');
  for (const row of settings.rows) {
    const { pairs, take } = MEASUREMENTS[row];
    for (const name of rotated(pairs, repetition)) {
      process.stderr.write(`${repetition + 1}/${settings.repetitions} ${row} ${name}\n`);
      results.add(name, await take(mesh.pairs.get(name)!, settings.seconds));
    }
  }
  readMemory(mesh, results, 'rssAfter');
}

function parseSettings(values: Readonly<Record<string, string | undefined>>): Settings {
  const rows = values['rows']?.split(',') ?? Object.keys(MEASUREMENTS);
  const unknown = rows.filter((row) => !(row in MEASUREMENTS));
  if (unknown.length > 0) {
    const known = Object.keys(MEASUREMENTS).join(', ');
    throw new Error(`no such rows: ${unknown.join(', ')}; there are ${known}`);
  }
  const numbers = ['repetitions', 'seconds', 'soak'].map((name) => {
    const value = Number(values[name] ?? (values['rows'] === undefined ? SOAK_S : 0));
    if (!Number.isInteger(value) || value < (name === 'soak' ? 0 : 1)) {
      throw new Error(`--${name} takes a whole number, not ${String(values[name])}`);
    }
    return value;
  });
  const [repetitions, seconds, soakSeconds] = numbers;
  return { rows, repetitions, seconds, soakSeconds };
}

/** The programs' working directory is another one; a name without a slash is looked up in PATH. */
function executable(path: string): string {
  return path.includes('/') ? resolve(path) : path;
}

/** Installs the product and compiles the programs. */
function prepare(repository: string, wireguardGo: string): MeshOptions {
  const scratch = mkdtempSync(join(tmpdir(), 'wg-wrap-bench-'));
  // mkdtemp makes 0700, but the product runs as another uid.
  chmodSync(scratch, 0o755);
  for (const name of PROGRAMS) {
    const source = join(repository, 'tests/bench', `${name}.c`);
    execFileSync('gcc', [...CC, source, '-o', join(scratch, name)]);
  }
  const prefix = install(repository, scratch);
  return { prefix, scratch, wireguardGo, uid: 20_000 + (process.pid % 20_000) };
}

function circumstancesOf(mesh: Mesh, settings: Settings, options: MeshOptions): Circumstances {
  const firstLine = (argv: readonly string[]): string =>
    execFileSync(argv[0], argv.slice(1), { encoding: 'utf8' }).split('\n')[0];
  return {
    machine: {
      cpu: cpus()[0].model,
      cpus: cpus().length,
      kernel: release(),
      load: Number(loadavg()[0].toFixed(2)),
    },
    versions: {
      wgWrap: firstLine([join(options.prefix, 'bin/wg-wrap'), '--version']),
      wireguardGo: firstLine([options.wireguardGo, '--version']),
      node: process.version,
      iperf3: firstLine(['iperf3', '--version']),
    },
    settings: { repetitions: settings.repetitions, seconds: settings.seconds },
    tuning: mesh.tuning,
    theirsOffload: mesh.theirsOffload,
  };
}

function write(path: string | undefined, text: string): void {
  if (path === undefined) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      repository: { type: 'string', default: '.' },
      'wireguard-go': { type: 'string', default: 'wireguard-go' },
      rows: { type: 'string' },
      repetitions: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      soak: { type: 'string' },
      json: { type: 'string' },
      svg: { type: 'string' },
    },
  });
  const settings = parseSettings(values);
  const options = prepare(values.repository, executable(values['wireguard-go']));
  const results = new Results();
  let mesh: Mesh | undefined;
  try {
    mesh = await Mesh.build(options);
    const circumstances = circumstancesOf(mesh, settings, options);
    process.stdout.write(`${JSON.stringify(circumstances)}\n`);
    if (!mesh.theirsOffload) process.stderr.write('this wireguard-go has no offloads\n');
    for (let repetition = 0; repetition < settings.repetitions; repetition++) {
      mesh ??= await Mesh.build(options);
      await repeat(mesh, results, settings, repetition);
      await mesh.close();
      mesh = undefined;
    }
    let soaked;
    if (settings.soakSeconds > 0) {
      mesh = await Mesh.build(options);
      await warmUp(mesh);
      soaked = await soak(mesh, settings.soakSeconds);
      for (const [name, { tenthsMiB }] of Object.entries(soaked.pairs) as [
        PairName,
        SoakedPair,
      ][]) {
        results.add(name, { rssSoaked: tenthsMiB[tenthsMiB.length - 1] });
      }
    }
    const rows = results.rows();
    process.stdout.write(`${formatTable(rows)}\n${soaked ? `${formatSoak(soaked)}\n` : ''}`);
    write(values.json, formatJson(circumstances, rows, soaked));
    // A picture of some rows is made only where it was asked for.
    const whole = values.rows === undefined ? join(values.repository, 'docs/bench.svg') : undefined;
    write(values.svg ?? whole, formatChart(rows));
  } finally {
    await mesh?.close();
    rmSync(options.scratch, { recursive: true, force: true });
  }
}

await main();
