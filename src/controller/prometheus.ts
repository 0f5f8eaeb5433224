/**
 * The numbers of tunnels in Prometheus' text exposition format, version 0.0.4, for a textfile
 * collector. What isn't known has no sample.
 */
import { printable } from '../printable.ts';
import type { PeerReport, TunnelState, TunnelStatus } from './tunnel-status.ts';

const STATES: readonly TunnelState[] = ['starting', 'connected', 'stale', 'failed'];

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number | null;
}

interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: (status: TunnelStatus) => readonly Sample[];
}

const one =
  (read: (status: TunnelStatus) => number | null) =>
  (status: TunnelStatus): readonly Sample[] => [{ value: read(status) }];

const perPeer =
  (read: (peer: PeerReport) => number | null) =>
  ({ peers }: TunnelStatus): readonly Sample[] =>
    (peers ?? []).map((peer) => ({ labels: { public_key: peer.public_key }, value: read(peer) }));

const METRICS: readonly Metric[] = [
  {
    name: 'wg_wrap_up',
    type: 'gauge',
    help: 'Whether the tunnel is connected.',
    samples: one(({ state }) => Number(state === 'connected')),
  },
  {
    name: 'wg_wrap_state',
    type: 'gauge',
    help: 'The state of the tunnel: 1 for the one that it is in.',
    samples: (status) =>
      STATES.map((state) => ({ labels: { state }, value: Number(status.state === state) })),
  },
  {
    name: 'wg_wrap_uptime_seconds',
    type: 'gauge',
    help: 'Time since the tunnel was started.',
    samples: one((status) => status.uptime_s),
  },
  {
    name: 'wg_wrap_engine_restarts_total',
    type: 'counter',
    help: 'Engines that were started because the one before had died.',
    samples: one(({ engine }) => engine.restarts),
  },
  {
    name: 'wg_wrap_engine_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the engine.',
    samples: one(({ engine }) => engine.rss_bytes),
  },
  {
    name: 'wg_wrap_sessions',
    type: 'gauge',
    help: 'Commands that use the tunnel.',
    samples: one(({ sessions }) => sessions.length),
  },
  {
    name: 'wg_wrap_other_processes',
    type: 'gauge',
    help: 'Processes inside the tunnel that belong to no session.',
    samples: one((status) => status.other_processes.length),
  },
  {
    name: 'wg_wrap_peer_last_handshake_age_seconds',
    type: 'gauge',
    help: 'Time since the last handshake with the peer.',
    samples: perPeer((peer) => peer.last_handshake_age_s),
  },
  {
    name: 'wg_wrap_peer_handshakes_total',
    type: 'counter',
    help: 'Handshakes completed with the peer.',
    samples: perPeer((peer) => peer.handshakes),
  },
  {
    name: 'wg_wrap_peer_receive_bytes_total',
    type: 'counter',
    help: 'Bytes received from the peer, as UDP payload.',
    samples: perPeer((peer) => peer.rx_bytes),
  },
  {
    name: 'wg_wrap_peer_transmit_bytes_total',
    type: 'counter',
    help: 'Bytes sent to the peer, as UDP payload.',
    samples: perPeer((peer) => peer.tx_bytes),
  },
  {
    name: 'wg_wrap_dropped_total',
    type: 'counter',
    help: 'Packets and datagrams that went no further, by reason.',
    samples: ({ drops }) => labelled(drops ?? {}, 'reason'),
  },
  {
    name: 'wg_wrap_errors_total',
    type: 'counter',
    help: 'Errors of the kernel at the sockets and the tunnel device, by errno.',
    samples: ({ errors }) =>
      Object.entries(errors ?? {}).flatMap(([at, counts]) =>
        labelled(counts, 'errno').map(({ labels, value }) => ({
          labels: { at, ...labels },
          value,
        })),
      ),
  },
  {
    name: 'wg_wrap_warnings',
    type: 'gauge',
    help: 'Warnings about the tunnel.',
    samples: one(({ warnings }) => warnings.length),
  },
];

/** All metrics of all tunnels; nothing if there is no tunnel. */
export function formatPrometheus(statuses: readonly TunnelStatus[]): string {
  return METRICS.map((metric) => formatMetric(metric, statuses)).join('');
}

function formatMetric({ name, type, help, samples }: Metric, all: readonly TunnelStatus[]): string {
  const lines = all.flatMap((status) => {
    const { tunnel, config } = status;
    return samples(status)
      .filter(({ value }) => value !== null)
      .map(
        ({ labels, value }) => `${name}${formatLabels({ tunnel, config, ...labels })} ${value}\n`,
      );
  });
  // A metric without a sample is not there at all.
  return lines.length === 0
    ? ''
    : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labelled(counts: Readonly<Record<string, number>>, label: string): readonly Sample[] {
  return Object.entries(counts).map(([key, value]) => ({ labels: { [label]: key }, value }));
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([key, value]) => `${key}="${escapeLabel(value)}"`)
    .join(',')}}`;
}

function escapeLabel(value: string): string {
  return printable(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}
