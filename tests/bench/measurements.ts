/**
 * What is measured on a pair, and how. Each measurement stands by itself: it starts what it needs at
 * both ends, waits for its end, and gives numbers.
 */
import type { Command } from '../e2e/harness/command.ts';
import { quantile } from './figures.ts';
import { outputOf, type End, type Pair, type PairName } from './mesh.ts';

const NS_PER_S = 1e9;
const PORT = '5201';
const SMALL_BYTES = 64;
const LARGE_BYTES = 1340;
/** Requests under way at a time. */
const CONNECTIONS = 16;
const ECHO_INTERVAL_US = 5_000;
/** A load begins before, and ends after what is measured under it. */
const LOAD_MARGIN_S = 2;

/** What a number says, and what would be good. */
export interface FigureKind {
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** What the ratio to wireguard-go should reach. */
  readonly target?: number;
  /** What the ratio to the ceiling should reach. */
  readonly share?: number;
}

export type FigureName =
  | 'tcp'
  | 'tcpReverse'
  | 'tcp4'
  | 'tcpBoth'
  | 'udpSmall'
  | 'udpLarge'
  | 'http'
  | 'rtt50'
  | 'rtt99'
  | 'rttLoad50'
  | 'rttLoad99'
  | 'cpu'
  | 'rssBefore'
  | 'rssAfter'
  | 'rssSoaked';

/** Every figure, in the order of the report. */
export const FIGURES: Readonly<Record<FigureName, FigureKind>> = {
  tcp: { title: 'TCP, one stream', unit: 'Gbit/s', better: 'more', target: 1.6, share: 0.5 },
  tcpReverse: { title: 'TCP, one stream back', unit: 'Gbit/s', better: 'more', target: 1.6 },
  tcp4: { title: 'TCP, four streams', unit: 'Gbit/s', better: 'more' },
  tcpBoth: { title: 'TCP, both ways at once', unit: 'Gbit/s', better: 'more' },
  udpSmall: { title: 'UDP 64 B, delivered', unit: 'kpacket/s', better: 'more', target: 3 },
  udpLarge: { title: 'UDP 1340 B, delivered', unit: 'kpacket/s', better: 'more' },
  http: { title: 'HTTP, a connection each', unit: 'request/s', better: 'more' },
  rtt50: { title: 'RTT idle, median', unit: 'µs', better: 'less', target: 0.75 },
  rtt99: { title: 'RTT idle, p99', unit: 'µs', better: 'less' },
  rttLoad50: { title: 'RTT under load, median', unit: 'µs', better: 'less', target: 0.75 },
  rttLoad99: { title: 'RTT under load, p99', unit: 'µs', better: 'less' },
  cpu: { title: 'CPU time per Gbit', unit: 's/Gbit', better: 'less' },
  rssBefore: { title: 'memory at first', unit: 'MiB', better: 'less' },
  rssAfter: { title: 'memory after load', unit: 'MiB', better: 'less', target: 0.2 },
  rssSoaked: { title: 'memory after a soak', unit: 'MiB', better: 'less', target: 0.2 },
};

/** The numbers of one measurement. */
export type Readings = Readonly<Partial<Record<FigureName, number>>>;

/** One row of `--rows`. */
export interface Measurement {
  readonly pairs: readonly PairName[];
  readonly take: (pair: Pair, seconds: number) => Promise<Readings>;
}

const SAME: readonly PairName[] = ['ours', 'theirs'];
const ALL: readonly PairName[] = [...SAME, 'ceiling'];

/** By the names that `--rows` takes. */
export const MEASUREMENTS: Readonly<Record<string, Measurement>> = {
  tcp: { pairs: ALL, take: takeTcp },
  'tcp-reverse': {
    pairs: ALL,
    take: async (pair, seconds) => ({ tcpReverse: (await iperf(pair, seconds, ['-R'])).gbitPerS }),
  },
  'tcp-4': {
    pairs: ALL,
    take: async (pair, seconds) => ({ tcp4: (await iperf(pair, seconds, ['-P', '4'])).gbitPerS }),
  },
  'tcp-both': {
    pairs: ALL,
    take: async (pair, seconds) => ({
      tcpBoth: (await iperf(pair, seconds, ['--bidir'])).gbitPerS,
    }),
  },
  'udp-64': {
    pairs: SAME,
    take: async (pair, seconds) => ({ udpSmall: await flood(pair, SMALL_BYTES, seconds) }),
  },
  'udp-1340': {
    pairs: SAME,
    take: async (pair, seconds) => ({ udpLarge: await flood(pair, LARGE_BYTES, seconds) }),
  },
  http: {
    pairs: SAME,
    take: async (pair, seconds) => ({ http: await ask(pair, seconds) }),
  },
  rtt: {
    pairs: SAME,
    take: async (pair, seconds) => {
      const sorted = await echoes(pair, seconds);
      return { rtt50: quantile(sorted, 0.5), rtt99: quantile(sorted, 0.99) };
    },
  },
  'rtt-load': { pairs: SAME, take: takeRttUnderLoad },
  mixed: { pairs: ['ours to theirs', 'theirs to ours'], take: takeTcp },
};

interface IperfEnd {
  readonly bytes: number;
  readonly bits_per_second: number;
}

interface Transfer {
  readonly gbit: number;
  readonly gbitPerS: number;
}

/** Starts what answers at the far end, and waits until it does. */
async function answering(end: End, argv: readonly string[], ready: RegExp): Promise<Command> {
  const command = end.start(argv, { inputStaysOpen: true });
  await command.until(ready);
  return command;
}

async function iperfServer({ far }: Pair): Promise<Command> {
  const argv = ['iperf3', '-s', '-1', '--forceflush', '-B', far.address, '-p', PORT];
  return await answering(far, argv, /Server listening/);
}

/** iperf3 from near to far, or as `options` say; what has arrived, both ways together. */
async function iperf(
  pair: Pair,
  seconds: number,
  options: readonly string[] = [],
): Promise<Transfer> {
  const server = await iperfServer(pair);
  const argv = ['iperf3', '-c', pair.far.address, '-p', PORT, '-t', String(seconds), '-J'];
  const { end } = JSON.parse(await outputOf(pair.near.start([...argv, ...options]))) as {
    readonly end: Readonly<Record<string, IperfEnd | undefined>>;
  };
  await outputOf(server);
  const arrived = [end['sum_received'], end['sum_received_bidir_reverse']].filter(
    (sum) => sum !== undefined,
  );
  const total = (of: (sum: IperfEnd) => number): number =>
    arrived.reduce((all, sum) => all + of(sum), 0) / 1e9;
  return { gbit: total(({ bytes }) => bytes * 8), gbitPerS: total((sum) => sum.bits_per_second) };
}

async function takeTcp(pair: Pair, seconds: number): Promise<Readings> {
  const cpu = (): number => pair.near.usage().cpuSeconds + pair.far.usage().cpuSeconds;
  const before = cpu();
  const { gbit, gbitPerS } = await iperf(pair, seconds);
  return { tcp: gbitPerS, cpu: (cpu() - before) / gbit };
}

/** Thousands of datagrams that arrive in a second while as many as possible are sent. */
async function flood(pair: Pair, bytes: number, seconds: number): Promise<number> {
  const { near, far } = pair;
  const receiver = await answering(far, ['flood', 'receive', far.address, PORT], /^ready$/m);
  const ms = String(seconds * 1000);
  const sender = near.start(['flood', 'send', far.address, PORT, String(bytes), ms]);
  const [, elapsedNs] = (await outputOf(sender)).split(' ').map(Number);
  receiver.endInput();
  const received = Number((await outputOf(receiver)).split('\n').at(-1));
  return received / (elapsedNs / NS_PER_S) / 1000;
}

/** Requests a second. */
async function ask({ near, far }: Pair, seconds: number): Promise<number> {
  const server = await answering(far, ['requests', 'serve', far.address, PORT], /^ready$/m);
  const words = [far.address, PORT, String(CONNECTIONS), String(seconds * 1000)];
  const [answered, elapsedNs] = (await outputOf(near.start(['requests', 'ask', ...words])))
    .split(' ')
    .map(Number);
  server.endInput();
  await outputOf(server);
  return answered / (elapsedNs / NS_PER_S);
}

/** Round trips in microseconds, in order of length. */
export async function echoes({ near, far }: Pair, seconds: number): Promise<readonly number[]> {
  const words = [far.address, String(ECHO_INTERVAL_US), String(seconds * 1000)];
  const lines = (await outputOf(near.start(['echo', ...words]))).split('\n');
  if (lines[0] === '') throw new Error(`no echo came back from ${far.address}`);
  return lines.map((line) => Number(line) / 1000).sort((a, b) => a - b);
}

async function takeRttUnderLoad(pair: Pair, seconds: number): Promise<Readings> {
  const server = await iperfServer(pair);
  const time = String(seconds + LOAD_MARGIN_S);
  const load = pair.near.start([
    'iperf3',
    '-c',
    pair.far.address,
    '-p',
    PORT,
    '-t',
    time,
    '--forceflush',
  ]);
  // A second of it is over.
  await load.until(/bits\/sec/);
  const sorted = await echoes(pair, seconds);
  await outputOf(load);
  await outputOf(server);
  return { rttLoad50: quantile(sorted, 0.5), rttLoad99: quantile(sorted, 0.99) };
}

/** Keeps a pair as busy as it can be until the time is over: streams both ways and short requests. */
export async function keepBusy(pair: Pair, seconds: number): Promise<void> {
  await Promise.all([iperf(pair, seconds, ['--bidir']), askElsewhere(pair, seconds)]);
}

async function askElsewhere(pair: Pair, seconds: number): Promise<void> {
  const { near, far } = pair;
  const port = String(Number(PORT) + 1);
  const server = await answering(far, ['requests', 'serve', far.address, port], /^ready$/m);
  await outputOf(near.start(['requests', 'ask', far.address, port, '4', String(seconds * 1000)]));
  server.endInput();
  await outputOf(server);
}
