/**
 * The engine's dealings with the pin about the host's network, where the engine can't look.
 *
 *   a peer is silent            → names to be resolved again; new sockets, if ours are no good
 *   the pin says `wake`         → both, then a handshake with every peer that has been in use
 *   the pin has resolved a name → other candidates for the peers with that name
 *   the pin hands over sockets  → they take the place of those before
 *   an initiation goes out      → the pin watches the way there
 *
 * Nothing here is done by a timer, but for sockets that are missing: without traffic a peer isn't missed.
 */
import { closeSync } from 'node:fs';
import type { UdpEndpoint } from '../ip.ts';
import { formatAddress, parseAddress } from '../ip.ts';
import { bootTime } from '../linux/clock.ts';
import { takeDescriptor } from '../linux/handle.ts';
import type { Device } from '../wireguard/device.ts';
import type { Endpoints } from './endpoints.ts';
import { log } from './log.ts';
import type { Loop } from './loop.ts';
import { Pace } from './pace.ts';
import { TunnelSockets, type SocketsQuestion } from './tunnel-sockets.ts';

/** Words for the pin. */
export type OutsideWord = 'resolve' | SocketsQuestion | `towards ${string}`;

/** In place of a family that the host lacks. */
const NO_SOCKET = -1;
/** As many as the pin watches at a time. */
const MAX_WATCHED = 32;

/** What this is about. */
export interface OutsideParts {
  readonly device: Device;
  readonly loop: Loop;
  readonly endpoints: Endpoints;
  readonly listenPort: number;
  readonly tell: (word: OutsideWord) => void;
}

/** One tunnel's view of the host. */
export class Outside {
  readonly sockets: TunnelSockets;
  readonly #parts: OutsideParts;
  readonly #resolvePace = new Pace();
  readonly #socketsPace = new Pace();
  readonly #watched = new Set<string>();
  /** Silences of named peers, and handshakes, when names were last asked for. */
  #silences = 0;
  #handshakes = 0;
  #isWaking = false;
  /** Why there are no sockets, as the log has it. */
  #missedFor = '';

  constructor(parts: OutsideParts) {
    const { loop, listenPort, tell } = parts;
    this.#parts = parts;
    this.sockets = new TunnelSockets(listenPort, {
      ask: tell,
      use: (udp4, udp6) => {
        loop.useSockets(udp4 ?? NO_SOCKET, udp6 ?? NO_SOCKET);
      },
      close: () => {
        loop.closeSockets();
      },
      drop: closeSync,
      onRenewed: () => {
        if (this.#isWaking) loop.wake();
        this.#isWaking = false;
        this.#missedFor = '';
      },
      onMissing: (code = 'no answer') => {
        // Whoever was tried meanwhile could not answer.
        this.#isWaking = true;
        if (code !== this.#missedFor) log(`got no sockets from the host (${code}), and asks again`);
        this.#missedFor = code;
      },
    });
  }

  /** Hears a word of the pin's, with what came with it. */
  hear(word: unknown, handle: unknown): void {
    const [verb, ...rest] = typeof word === 'string' ? word.split(' ') : [];
    const [first = '', second = '', third = ''] = rest;
    if (verb === 'wake') this.#wake();
    else if (verb === 'resolved') this.#resolved(first, second.split(','));
    else if (verb === 'udp' && (second === '4' || second === '6')) {
      this.sockets.handed(Number(first), second === '4' ? 4 : 6, takeDescriptor(handle));
    } else if (verb === 'sockets' && second === 'failed') this.sockets.failed(Number(first), third);
    else if (verb === 'sockets') {
      if (this.sockets.opened(Number(first), Number(second)))
        log(`took new sockets, port ${second}`);
    } else log('heard an unknown word from the pin');
  }

  /** An initiation goes there. */
  initiationSent(to: UdpEndpoint): void {
    const address = formatAddress(to.address);
    if (this.#watched.has(address)) return;
    if (this.#watched.size === MAX_WATCHED) this.#watched.clear();
    this.#watched.add(address);
    this.#parts.tell(`towards ${address}`);
  }

  /** Some peer was silent. */
  silent(): void {
    const { device, endpoints, loop } = this.#parts;
    const now = bootTime();
    const named = device
      .status(now)
      .peers.filter(({ publicKey }) => endpoints.resolvedFrom(publicKey) !== undefined);
    const silences = named.reduce((sum, peer) => sum + peer.silences, 0);
    if (silences > this.#silences) this.#resolve(now);
    this.#silences = silences;
    // Those that are missing are being asked for.
    const isBroken = !this.sockets.isMissing && loop.hasBrokenSocket();
    if (isBroken && this.#socketsPace.allows(now)) this.sockets.renew();
  }

  #wake(): void {
    log('woke: the host has slept, or sends another way');
    this.#resolvePace.reset();
    this.#socketsPace.reset();
    this.#resolve(bootTime());
    this.#isWaking = true;
    this.sockets.renew();
  }

  #resolve(now: number): void {
    const { handshakesCompleted } = this.#parts.device;
    // Whoever was heard meanwhile may have moved since.
    if (handshakesCompleted !== this.#handshakes) this.#resolvePace.reset();
    this.#handshakes = handshakesCompleted;
    if (this.#resolvePace.allows(now)) this.#parts.tell('resolve');
  }

  #resolved(name: string, texts: readonly string[]): void {
    const { device, endpoints, loop } = this.#parts;
    const addresses = texts.filter((text) => parseAddress(text) !== undefined);
    const resolved = addresses.length > 0 ? endpoints.resolved(name, addresses) : undefined;
    if (!resolved) return;
    this.#resolvePace.reset();
    if (resolved.moved) log(resolved.moved);
    loop.apply((now, out) => {
      device.configure({ peers: resolved.updates }, now, out);
    });
  }
}
