/**
 * What an engine says of itself over the control socket: the answer to `status=1`. A leaf, so that the
 * encoder and the decoder are one file. No secret is in it.
 *
 * Times are ages in milliseconds; null stands for what never happened or isn't known.
 */

/** How a tunnel is. */
export type EngineState = 'starting' | 'connected' | 'stale';

/** Counts by the name of errno. */
export type ErrorCounts = Readonly<Record<string, number>>;

/** One peer, as the engine knows it. */
export interface EnginePeerStatus {
  /** Base64. */
  readonly publicKey: string;
  readonly endpoint: string | null;
  /** The name that `endpoint` is an address of. */
  readonly resolvedFrom: string | null;
  readonly allowedIps: readonly string[];
  readonly lastHandshakeAgeMs: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly persistentKeepaliveSeconds: number | null;
  readonly handshakes: number;
  readonly stagedPackets: number;
}

/** The whole answer. */
export interface EngineStatus {
  readonly schema: 1;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly dataPath: 'typescript' | 'pump';
  /** Whether packets cross the TUN in super-packets. */
  readonly offload: boolean;
  /** What of the kernel's the pump uses at the moment, by the names in docs/status.md. */
  readonly uses: readonly string[];
  /** Threads of the pump that share the cipher's work with the one of each direction. */
  readonly workers: number;
  readonly rssBytes: number;
  /** Whether there was a handshake since the engine started. */
  readonly connected: boolean;
  readonly state: EngineState;
  readonly underLoad: boolean;
  readonly listenPort: number;
  /** Base64; null without a private key. */
  readonly publicKey: string | null;
  readonly mtu: number;
  readonly peers: readonly EnginePeerStatus[];
  /** By reason, as the core and the pump name them. */
  readonly drops: Readonly<Record<string, number>>;
  readonly udp: {
    readonly closed: number;
    readonly queueFull: number;
    readonly portZero: number;
    readonly sendErrors: ErrorCounts;
    readonly receiveErrors: ErrorCounts;
  };
  readonly tun: { readonly offloaded: number; readonly writeErrors: ErrorCounts };
  /** What is not as it should be, a line each. */
  readonly warnings: readonly string[];
}

const SCHEMA = 1;
const KEY = 'status=';

/** Formats the lines of the answer, without its end. */
export function formatEngineStatus(status: Omit<EngineStatus, 'schema'>): string {
  return `${KEY}${JSON.stringify({ schema: SCHEMA, ...status })}\n`;
}

/** Reads an answer; undefined if it is no status, or another version's. */
export function parseEngineStatus(answer: string): EngineStatus | undefined {
  const line = answer.split('\n').find((text) => text.startsWith(KEY));
  if (line === undefined) return undefined;
  try {
    // The shape is that of `formatEngineStatus`; the version tells them apart if they ever differ.
    const value = JSON.parse(line.slice(KEY.length)) as EngineStatus | null;
    return value?.schema === SCHEMA ? value : undefined;
  } catch {
    return undefined;
  }
}
