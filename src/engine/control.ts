/** What the requests of the control socket do to the device and its loop. */
import { setTimeout as delay } from 'node:timers/promises';
import { isZero } from '../bytes.ts';
import { UdpEndpoint } from '../ip.ts';
import { bootTime } from '../linux/clock.ts';
import { formatEngineStatus } from '../engine-status.ts';
import { formatErrno, parseSet, UAPI_ERRNO, type UapiErrno, type UapiSet } from '../uapi.ts';
import { formatGet, type UapiPeerStatus } from '../uapi-status.ts';
import type { Device, PeerStatus } from '../wireguard/device.ts';
import type { ControlListener } from './control-socket.ts';
import { deviceUpdate } from './device-update.ts';
import type { Loop } from './loop.ts';
import type { Observed } from './observation.ts';
import { engineStatus, type EngineFacts } from './status.ts';

/** What a request says about the sockets; a property that is missing changes nothing. */
export interface SocketsUpdate {
  /** 0: any port. */
  readonly listenPort?: number | undefined;
  /** 0: none. */
  readonly fwmark?: number | undefined;
}

/** The sockets as far as requests are concerned. */
export interface ControlledSockets {
  /** 0 if there is none yet. */
  readonly listenPort: number;
  readonly fwmark: number;
  /** Changes all of it, or says why not and changes nothing. */
  update(update: SocketsUpdate): UapiErrno | Promise<UapiErrno>;
}

/** What requests are about. */
export interface Controlled {
  readonly device: Device;
  readonly loop: Pick<
    Loop,
    'apply' | 'connected' | 'sendErrors' | 'counters' | 'dataPath' | 'status'
  > & {
    readonly observation: Observed;
  };
  readonly sockets: ControlledSockets;
  /** What only the engine's owner knows of it. */
  readonly engine: Pick<EngineFacts, 'startedAt' | 'before' | 'nameOf'>;
  /**
   * Whether `get` tells private and preshared keys. Where it doesn't, it tells the public key, which
   * can't be derived then.
   */
  readonly tellsSecrets: boolean;
  /** Told what a request has changed. */
  readonly onConfigured?: (set: UapiSet) => void;
}

/** Answers requests. The sockets come first in a change: they alone may refuse it. */
export function control(controlled: Controlled): ControlListener {
  const { device, loop, sockets, engine, tellsSecrets, onConfigured } = controlled;
  // The core does not give its private key back. Kept only where the socket's owner may have it.
  let privateKey: Uint8Array | undefined;
  return {
    onGet: () => {
      const { publicKey, peers } = loop.status();
      const { listenPort, fwmark } = sockets;
      return formatGet(
        {
          ...(tellsSecrets ? { privateKey } : { ownPublicKey: publicKey }),
          // Zeros stand for none, and wireguard-go leaves them out.
          ...(listenPort !== 0 && { listenPort }),
          ...(fwmark !== 0 && { fwmark }),
          peers: peers.map(peerStatus),
        },
        { secrets: tellsSecrets },
      );
    },
    onSet: async (request) => {
      const parsed = parseSet(request);
      if (!parsed.ok) return formatErrno(parsed.errno);
      const { set } = parsed;
      const errno = await sockets.update({ listenPort: set.listenPort, fwmark: set.fwmark });
      if (errno !== UAPI_ERRNO.ok) return formatErrno(errno);
      loop.apply((now, out) => {
        device.configure(deviceUpdate(set), now, out);
      });
      onConfigured?.(set);
      if (tellsSecrets && set.privateKey) {
        privateKey = isZero(set.privateKey) ? undefined : set.privateKey;
      }
      return formatErrno(UAPI_ERRNO.ok);
    },
    onStatus: () => {
      const now = bootTime();
      const status = engineStatus({
        ...engine,
        ...loop.counters,
        ...loop.dataPath,
        now,
        device: loop.status(),
        listenPort: sockets.listenPort,
        pid: process.pid,
        rssBytes: process.memoryUsage.rss(),
      });
      return formatEngineStatus(status) + formatErrno(UAPI_ERRNO.ok);
    },
    onWait: async (milliseconds, signal) => {
      const isConnected = await connectedWithin(loop, milliseconds, signal);
      const answer = isConnected ? 'connected=true\n' : formatObserved(loop);
      return answer + formatErrno(UAPI_ERRNO.ok);
    },
  };
}

/** Waits for the first handshake; false if `milliseconds` pass first. Rejects if `signal` aborts. */
async function connectedWithin(
  loop: Controlled['loop'],
  milliseconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  const settled = new AbortController();
  const timeout = delay(milliseconds, false, {
    signal: AbortSignal.any([signal, settled.signal]),
  });
  try {
    return await Promise.race([loop.connected.then(() => true), timeout]);
  } finally {
    settled.abort();
  }
}

/** The keys that `controller/connect` reads. */
function formatObserved(loop: Controlled['loop']): string {
  const { initiationsSent, responsesReceived, cookieRepliesReceived, foreignReceived } =
    loop.observation;
  return [
    'connected=false',
    `initiations_sent=${initiationsSent}`,
    `responses_received=${responsesReceived}`,
    `cookie_replies_received=${cookieRepliesReceived}`,
    `foreign_received=${foreignReceived}`,
    `send_errors=${loop.sendErrors().join(',')}`,
    '',
  ].join('\n');
}

function peerStatus({ endpoint, ...peer }: PeerStatus): UapiPeerStatus {
  // The core only ever has endpoints of ours.
  if (!(endpoint instanceof UdpEndpoint)) return peer;
  const { address, port, host } = endpoint;
  const zone = host.includes('%') ? host.slice(host.indexOf('%') + 1) : undefined;
  return { ...peer, endpoint: { address, port, zone } };
}
