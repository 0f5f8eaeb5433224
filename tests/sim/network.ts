/**
 * A network in one process: stations joined by a link, a clock that only moves when it is told to,
 * and one seed for everything that is left to chance.
 *
 * Time moves from event to event. An event is a datagram that arrives, or a station's next timeout;
 * at equal times datagrams come first, in the order in which they were sent. So a device is driven
 * exactly as it asks to be, never early and never late, unless a test suspends the clock. A run that
 * makes no end of events at one time is stopped and is a failure.
 *
 * Two clocks: `now` counts milliseconds as CLOCK_BOOTTIME does; the wall clock follows it at a
 * distance that a test may change.
 */
import { Eavesdropper } from './eavesdropper.ts';
import { Ledger } from './ledger.ts';
import { Random } from './random.ts';
import { SimEndpoint } from './sim-endpoint.ts';
import { Station } from './station.ts';
import { smallGroup } from './small-group.ts';
import type { X25519 } from '../../src/wireguard/ports.ts';

/** What the link does to a datagram. Reordering comes from a delay that varies. */
export interface LinkOptions {
  /** Probability that a datagram is lost. */
  loss: number;
  /** Probability that a datagram arrives twice. */
  duplication: number;
  delayMs: number;
  /** Up to so much more delay, for each copy anew. */
  delayVariationMs: number;
}

/** A datagram on its way. */
export interface Flight {
  readonly datagram: Uint8Array;
  readonly from: SimEndpoint;
  readonly to: SimEndpoint;
}

/** What a gate does with a datagram: `drop`, or so many milliseconds of extra delay. */
export type Verdict = 'drop' | number;

/** What is different about a station. */
export interface StationChoices {
  readonly name?: string;
  readonly endpoint?: string;
  readonly privateKey?: Uint8Array;
  readonly mtu?: number;
  readonly x25519?: X25519;
  readonly pumpReadMs?: number | undefined;
}

type Receiver = (datagram: Uint8Array, from: SimEndpoint) => void;

interface Arrival extends Flight {
  readonly at: number;
}

const MAX_EVENTS_AT_ONE_TIME = 20_000;
const WALL_START_SECONDS = 1_700_000_000;
const DEFAULT_MTU = 1420;
/** Gives every station a pump whose activity is read so often (the Makefile's second run). */
const PUMP = process.env['WG_WRAP_SIM_PUMP_READ_MS'];

/** Stations, a link between them, and a virtual clock. */
export class Network {
  readonly seed: number;
  readonly random: Random;
  readonly eavesdropper: Eavesdropper = new Eavesdropper();
  readonly ledger: Ledger = new Ledger();
  readonly link: LinkOptions = { loss: 0, duplication: 0, delayMs: 10, delayVariationMs: 0 };
  /** Decides about single datagrams, on top of what the link does. */
  gate: ((flight: Flight) => Verdict) | undefined;
  readonly #stations: Station[] = [];
  readonly #receivers: Map<string, Receiver> = new Map();
  /** Sorted by time of arrival, then by order of sending. */
  readonly #arrivals: Arrival[] = [];
  #now = 1_000_000;
  #wallOffsetSeconds = 0;

  constructor(seed: number, link: Partial<LinkOptions> = {}) {
    this.seed = seed;
    this.random = new Random(seed);
    Object.assign(this.link, link);
  }

  /** Milliseconds of the clock that counts suspend. */
  get now(): number {
    return this.#now;
  }

  /** What the devices get for a wall clock. */
  wallTime(): { readonly seconds: number; readonly nanoseconds: number } {
    const seconds = WALL_START_SECONDS + this.#wallOffsetSeconds + Math.floor(this.#now / 1000);
    return { seconds, nanoseconds: (this.#now % 1000) * 1_000_000 };
  }

  /** Sets the wall clock forward, or back by a negative number. */
  moveWallClock(seconds: number): void {
    this.#wallOffsetSeconds += seconds;
  }

  /** Adds a station with addresses of its own: the n-th is 10.0.0.n and fd00::n inside. */
  addStation(choices: StationChoices = {}): Station {
    const number = this.#stations.length + 1;
    const station = new Station(this, {
      name: choices.name ?? String.fromCharCode(0x60 + number),
      endpoint: SimEndpoint.of(choices.endpoint ?? `192.0.2.${number}:51820`),
      innerIPv4: Uint8Array.of(10, 0, 0, number),
      innerIPv6: Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number),
      privateKey: choices.privateKey ?? this.random.bytes(32),
      mtu: choices.mtu ?? DEFAULT_MTU,
      x25519: choices.x25519 ?? smallGroup,
      pumpReadMs: choices.pumpReadMs ?? (PUMP === undefined ? undefined : Number(PUMP)),
    });
    this.#stations.push(station);
    return station;
  }

  /** Has someone receive what is sent to an endpoint. */
  attach(endpoint: SimEndpoint, receiver: Receiver): void {
    this.#receivers.set(endpoint.toString(), receiver);
  }

  /** Nobody receives what is sent to this endpoint any more. */
  detach(endpoint: SimEndpoint): void {
    this.#receivers.delete(endpoint.toString());
  }

  /** Puts a datagram on the link. */
  carry(datagram: Uint8Array, from: SimEndpoint, to: SimEndpoint): void {
    const { loss, duplication, delayMs, delayVariationMs } = this.link;
    const verdict = this.gate?.({ datagram, from, to }) ?? 0;
    // A perfect link leaves nothing to chance, and so the devices' own chances alone.
    if (verdict === 'drop' || (loss > 0 && this.random.chance(loss))) return;
    const copies = duplication > 0 && this.random.chance(duplication) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const variation = delayVariationMs > 0 ? this.random.below(delayVariationMs + 1) : 0;
      const at = this.#now + verdict + delayMs + variation;
      this.#schedule({ datagram, from, to, at });
    }
  }

  /** Has a datagram arrive in so many milliseconds, past the link: what an attacker does. */
  insert(flight: Flight, delayMs: number): void {
    this.#schedule({ ...flight, at: this.#now + delayMs });
  }

  /** Puts a datagram before its receiver at once, past the link: what an attacker does. */
  inject(datagram: Uint8Array, from: SimEndpoint, to: SimEndpoint): void {
    this.#receivers.get(to.toString())?.(Uint8Array.from(datagram), from);
  }

  /** Lets so many milliseconds pass, with everything that happens in them. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    let atThisTime = 0;
    for (;;) {
      const next = this.#nextEventTime();
      if (next === undefined || next > end) break;
      atThisTime = next > this.#now ? 0 : atThisTime + 1;
      if (atThisTime > MAX_EVENTS_AT_ONE_TIME) {
        throw new Error(`seed ${this.seed}: time does not go on at ${this.#now} ms`);
      }
      this.#now = Math.max(this.#now, next);
      this.#handleNextEvent();
    }
    this.#now = end;
  }

  /** Lets time pass until `isTrue()`, at most so many milliseconds; returns whether it came true. */
  advanceUntil(isTrue: () => boolean, milliseconds: number): boolean {
    const end = this.#now + milliseconds;
    while (!isTrue()) {
      const next = this.#nextEventTime();
      if (next === undefined || next > end) {
        this.#now = end;
        return isTrue();
      }
      this.advance(Math.max(0, next - this.#now));
    }
    return true;
  }

  /** Time passes and nothing happens: the machine sleeps, and what was in flight is lost. */
  suspend(milliseconds: number): void {
    this.#arrivals.length = 0;
    this.#now += milliseconds;
  }

  #nextEventTime(): number | undefined {
    let next = this.#arrivals.at(0)?.at;
    for (const station of this.#stations) {
      const timeout = station.nextTimeout();
      if (timeout !== undefined && (next === undefined || timeout < next)) next = timeout;
    }
    return next;
  }

  #handleNextEvent(): void {
    const arrival = this.#arrivals.at(0);
    if (arrival && arrival.at <= this.#now) {
      this.#arrivals.shift();
      this.#receivers.get(arrival.to.toString())?.(arrival.datagram, arrival.from);
      return;
    }
    const due = this.#stations.find((station) => {
      const timeout = station.nextTimeout();
      return timeout !== undefined && timeout <= this.#now;
    });
    due?.expire();
  }

  #schedule(arrival: Arrival): void {
    let index = this.#arrivals.length;
    while (index > 0 && this.#arrivals[index - 1].at > arrival.at) index--;
    this.#arrivals.splice(index, 0, arrival);
  }
}
