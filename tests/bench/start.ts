/**
 * How long a command waits for wg-wrap: joining a tunnel that lives, and making one.
 *
 *     make bench-start [BENCH='--json FILE --pairs N --repetitions N --prefix DIR --prefix DIR …']
 *
 * As root, which makes the namespaces; the product runs in them as an ordinary uid. Several installations
 * take turns in every round, so that what the machine does meanwhile falls on all of them alike. It is
 * no test: a busy machine makes every number larger, and only those of one run can be compared. Under
 * `chrt -r 1` everything that is measured goes before what else the machine does; niceness does not, since
 * daemons leave the group of processes that it counts in.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { figuresOf, formatRow, TABLE_HEAD, type Figures } from './figures.ts';
import { MILESTONE_NAMES, momentsOf, Observer, type Moments } from './milestones.ts';
import { Rig } from './rig.ts';

const JOIN_TARGET_MS = 2;
const COLD_TARGET_MS = 250;
const LIMIT_MS = 300_000;
/** Pairs of one turn. */
const TURN = 25;
/** Runs of each command before anything counts. */
const WARM_UP = 10;

/** One `wg-wrap -- true` and one bare `true`, side by side. */
interface JoinReport {
  readonly bare: Figures;
  readonly wrapped: Figures;
  readonly difference: Figures;
}

interface ColdReport {
  readonly firstByte: Figures;
  /** From the user's run to each moment. */
  readonly moments: Readonly<Partial<Record<string, Figures>>>;
}

interface Report {
  readonly prefix: string;
  readonly join: JoinReport;
  readonly cold: ColdReport;
}

async function measureJoin(rig: Rig, pairs: number): Promise<ReadonlyMap<string, JoinReport>> {
  const reports = new Map<string, JoinReport>();
  const taken = new Map<string, (readonly number[])[]>();
  for (let done = 0; done < pairs; done += TURN) {
    for (const [name, launcher] of rig.launchers) {
      const session = await rig.hold(launcher);
      const run = async (count: number): Promise<readonly (readonly number[])[]> =>
        rig.time(
          ['pairs', String(count), '/bin/true', ':::', ...rig.wrapped(launcher, ['/bin/true'])],
          LIMIT_MS,
        );
      await run(WARM_UP);
      const lines = await run(TURN);
      taken.set(name, [...(taken.get(name) ?? []), ...lines]);
      await session.finish();
      await rig.settled();
    }
  }
  for (const [name, lines] of taken) {
    const column = (of: (line: readonly number[]) => number): Figures =>
      figuresOf(lines.map((line) => of(line) / 1e6));
    reports.set(name, {
      bare: column(([bare]) => bare),
      wrapped: column(([, wrapped]) => wrapped),
      difference: column(([bare, wrapped]) => wrapped - bare),
    });
  }
  return reports;
}

interface ColdRun {
  readonly firstByteMs: number;
  readonly moments: Moments;
}

async function measureCold(
  rig: Rig,
  repetitions: number,
): Promise<ReadonlyMap<string, ColdReport>> {
  const { host, site } = rig;
  const request = ['curl', '-sN', `http://${site.addresses.inner4}/who`];
  const observer = await Observer.start(
    rig.program('observer'),
    host,
    site.addresses.link,
    rig.stateDirectory(),
  );
  const runs = new Map<string, ColdRun[]>();
  for (let round = 0; round <= repetitions; round++) {
    for (const [name, launcher] of rig.launchers) {
      const words = ['first-byte', ...rig.wrapped(launcher, request)];
      const [[begin, first]] = await rig.time(words, LIMIT_MS);
      await rig.settled();
      const lines = await observer.take();
      const moments = momentsOf(lines, begin);
      // The first round finds nothing in the caches.
      if (round === 0) continue;
      const run = { firstByteMs: (first - begin) / 1e6, moments };
      runs.set(name, [...(runs.get(name) ?? []), run]);
    }
  }
  await observer.stop();
  return new Map([...runs].map(([name, list]) => [name, coldReport(list)]));
}

function coldReport(runs: readonly ColdRun[]): ColdReport {
  const moments: Partial<Record<string, Figures>> = {};
  for (const name of MILESTONE_NAMES) {
    const times = runs
      .map((run) => run.moments.get(name))
      .filter((time): time is number => time !== undefined);
    if (times.length > 0) moments[name] = figuresOf(times);
  }
  return { firstByte: figuresOf(runs.map((run) => run.firstByteMs)), moments };
}

function formatReport({ prefix, join, cold }: Report): string {
  return [
    prefix,
    TABLE_HEAD,
    formatRow(`true, bare (${join.bare.count} pairs)`, join.bare),
    formatRow('wg-wrap -- true on a live tunnel', join.wrapped),
    formatRow('what joining adds', join.difference, JOIN_TARGET_MS),
    ...MILESTONE_NAMES.map((name) => formatRow(`cold start: ${name}`, cold.moments[name])),
    formatRow(
      `cold start: first byte (${cold.firstByte.count} runs)`,
      cold.firstByte,
      COLD_TARGET_MS,
    ),
  ].join('\n');
}

function machine(): Readonly<Record<string, string | number>> {
  const [first] = cpus();
  return {
    cpu: first.model,
    cpus: cpus().length,
    kernel: release(),
    node: process.version,
    load: Number(loadavg()[0].toFixed(2)),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      repository: { type: 'string', default: '.' },
      json: { type: 'string' },
      pairs: { type: 'string', default: '300' },
      repetitions: { type: 'string', default: '20' },
      prefix: { type: 'string', multiple: true, default: [] },
    },
  });
  const facts = machine();
  const rig = await Rig.build(values.repository, values.prefix);
  try {
    const joins = await measureJoin(rig, Number(values.pairs));
    const colds = await measureCold(rig, Number(values.repetitions));
    const reports = [...rig.launchers.keys()].map((prefix) => ({
      prefix: values.prefix.length > 0 ? prefix : 'this source tree',
      join: joins.get(prefix)!,
      cold: colds.get(prefix)!,
    }));
    process.stdout.write(`${JSON.stringify(facts)}\n${reports.map(formatReport).join('\n')}\n`);
    if (values.json !== undefined) {
      const targets = { joinMs: JOIN_TARGET_MS, coldMs: COLD_TARGET_MS };
      const text = JSON.stringify({ schema: 1, machine: facts, targets, reports }, undefined, 2);
      writeFileSync(values.json, `${text}\n`);
    }
  } finally {
    await rig.close();
  }
}

await main();
