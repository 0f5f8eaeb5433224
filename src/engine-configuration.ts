/**
 * What the controller hands to the engine, as one JSON text in a sealed memfd. A leaf, so that the
 * encoder and the decoder are one file. The text holds the private key: it goes nowhere else.
 */

/** Where a peer may be, beyond what `uapi` says. */
export interface EngineEndpoint {
  /** Hexadecimal, as in `uapi`. */
  readonly publicKey: string;
  /** The name that the addresses are of, if they are of one. */
  readonly name?: string;
  readonly port: number;
  /** In the order in which to try them. */
  readonly addresses: readonly string[];
}

/** PUMP_WORKERS_MAX of pump/pump.h. */
export const PUMP_WORKERS_MAX = 7;

/** Everything the engine knows about its tunnel. */
export interface EngineConfiguration {
  /** For the log only. */
  readonly tunnel: string;
  readonly mtu: number;
  /** The port of the host's sockets. */
  readonly listenPort: number;
  /** Keys and peers as a request of the configuration protocol (`uapi.ts`), with secrets. */
  readonly uapi: string;
  readonly endpoints: readonly EngineEndpoint[];
  /** Whether the pump is to be used where it can be. */
  readonly pump: 'on' | 'off';
  /** Threads that the pump has for each direction beside its own; as many as are worth it if absent. */
  readonly pumpWorkers?: number | undefined;
  /** The three reserved bytes of every message's header, if they are not zero. */
  readonly reserved?: readonly [number, number, number];
}

const SCHEMA = 1;

/** Encodes a configuration, with its secrets. */
export function encodeEngineConfiguration(configuration: EngineConfiguration): string {
  return JSON.stringify({ schema: SCHEMA, ...configuration });
}

/** Decodes what `encodeEngineConfiguration` gave. Anything else is a bug: throws TypeError. */
export function decodeEngineConfiguration(text: string): EngineConfiguration {
  // The shape is the encoder's, a few lines above; the version tells them apart if they ever differ.
  const value = JSON.parse(text) as EngineConfiguration & { readonly schema: unknown };
  if (value.schema !== SCHEMA) throw new TypeError('the configuration is of another version');
  return value;
}
