/**
 * The pump's activity block (struct pump_activity in pump/pump.h): memory that the pump writes and
 * TypeScript reads, in words of 64 bits. A word is read and changed whole.
 */
import { constants } from 'node:os';

/** Words before the first peer's. */
export const PUMP_HEADER_WORDS: number = 4096 / 8;
/** Words of one peer. */
export const PEER_WORDS: number = 384 / 8;

/** enum pump_drop; names that the core has too mean the same. */
export const PUMP_DROPS = [
  'malformed',
  'unknownIndex',
  'expired',
  'counterExceeded',
  'unauthentic',
  'replayed',
  'notIp',
  'truncatedHeader',
  'wrongLength',
  'wrongSource',
  'outboundNotIp',
  'badSuperPacket',
  'truncated',
  'packetsFull',
  'handshakesFull',
  'sendsFull',
  'queueFull',
  'unsealed',
  'unsent',
] as const;

/** Why the pump dropped something. */
export type PumpDrop = (typeof PUMP_DROPS)[number];

/** The bits of in_use, from the lowest. */
const USES = ['tso', 'uso', 'segment4', 'segment6', 'gro4', 'gro6', 'uring', 'coalesce'] as const;

const WORKS = [
  'tunSuperPackets',
  'udpGroups',
  'udpGro',
  'tunCoalesced',
  'udpDatagramsSent',
  'udpDatagramsReceived',
] as const;

const IN_USE = 1;
const DROPS = 2;
const WORK = 34;
const FOREIGN = 40;
const WORKERS = 41;
const ERRORS = 42;
const ERRNOS = 134;

/** struct pump_peer_activity: which word is which. */
const PEER = {
  lastSent: 0,
  txBytes: 1,
  sendingIndex: 4,
  nextCounter: 5,
  lastReceived: 16,
  rxBytes: 17,
  confirmedIndex: 20,
  unansweredSince: 32,
  unrepliedSince: 33,
  notices: 34,
} as const;

/** Everything but the peers, as it is now. */
export interface PumpActivity {
  /** What of the kernel's offloads is in use. */
  readonly uses: readonly string[];
  readonly drops: Readonly<Record<PumpDrop, number>>;
  /** How often offloads did something. */
  readonly work: Readonly<Record<(typeof WORKS)[number], number>>;
  /** Datagrams that are no message of WireGuard's. */
  readonly foreign: number;
  /** Threads beside the one of each direction, in both together. */
  readonly workers: number;
  /** By the name of errno. */
  readonly tunWriteErrors: ReadonlyMap<string, number>;
  readonly udpSendErrors: ReadonlyMap<string, number>;
  readonly udpReceiveErrors: ReadonlyMap<string, number>;
}

/** Reads everything but the peers. */
export function decodeActivity(words: BigUint64Array): PumpActivity {
  const word = (index: number): number => Number(Atomics.load(words, index));
  const inUse = word(IN_USE);
  const named = <Name extends string>(names: readonly Name[], at: number): Record<Name, number> =>
    Object.fromEntries(names.map((name, i) => [name, word(at + i)])) as Record<Name, number>;
  return {
    uses: USES.filter((_, bit) => (inUse & (1 << bit)) !== 0),
    drops: named(PUMP_DROPS, DROPS),
    work: named(WORKS, WORK),
    foreign: word(FOREIGN),
    workers: word(WORKERS),
    tunWriteErrors: errors(words, ERRORS),
    udpSendErrors: errors(words, ERRORS + ERRNOS),
    udpReceiveErrors: errors(words, ERRORS + 2 * ERRNOS),
  };
}

function errors(words: BigUint64Array, at: number): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [name, errno] of Object.entries(constants.errno)) {
    const count = errno < ERRNOS ? Number(Atomics.load(words, at + errno)) : 0;
    if (count > 0) found.set(name, count);
  }
  return found;
}

/** What the pump has done for one peer. */
export interface PumpPeerActivity {
  readonly lastSent: number;
  readonly lastReceived: number;
  readonly unansweredSince: number;
  readonly unrepliedSince: number;
  readonly txBytes: number;
  readonly rxBytes: number;
  readonly sendingIndex: number;
  readonly nextCounter: number;
  readonly confirmedIndex: number;
}

/** The words of one peer. */
export class PeerWords {
  readonly #words: BigUint64Array;
  readonly #base: number;

  constructor(words: BigUint64Array, peer: number) {
    this.#words = words;
    this.#base = PUMP_HEADER_WORDS + peer * PEER_WORDS;
  }

  /** Reads them, none torn. */
  read(): PumpPeerActivity {
    return {
      lastSent: this.#load(PEER.lastSent),
      lastReceived: this.#load(PEER.lastReceived),
      unansweredSince: this.#load(PEER.unansweredSince),
      unrepliedSince: this.#load(PEER.unrepliedSince),
      txBytes: this.#load(PEER.txBytes),
      rxBytes: this.#load(PEER.rxBytes),
      sendingIndex: this.#load(PEER.sendingIndex),
      nextCounter: this.#load(PEER.nextCounter),
      confirmedIndex: this.#load(PEER.confirmedIndex),
    };
  }

  /** Takes the notices away; true if there were any. */
  takeNotices(): boolean {
    if (this.#load(PEER.notices) === 0) return false;
    return Atomics.exchange(this.#words, this.#base + PEER.notices, 0n) !== 0n;
  }

  /** Has the silence begin anew. */
  answered(): void {
    Atomics.store(this.#words, this.#base + PEER.unansweredSince, 0n);
  }

  /** Has what is to be replied to begin anew. */
  replied(): void {
    Atomics.store(this.#words, this.#base + PEER.unrepliedSince, 0n);
  }

  #load(word: number): number {
    return Number(Atomics.load(this.#words, this.#base + word));
  }
}
