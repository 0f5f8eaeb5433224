/**
 * The engine: WireGuard between the TUN and two host sockets, inside the tunnel's namespaces.
 *
 * The pin starts it with everything as a descriptor, an empty environment and CAP_NET_ADMIN. In order:
 *
 *   1. close the door of Node's debugger, before anything secret is in memory
 *   2. no core dump, no look into this process
 *   3. read the configuration, once, at an offset: a successor reads the same memfd
 *   4. wire device, sockets, TUN and control socket
 *   5. tell the pin `ready`, `connected` at the first handshake, and the timestamp of initiations
 *
 * It resolves no name, opens no path, starts no process. It ends on SIGTERM, when the pin is gone, or
 * when the TUN is; then the keys are wiped. A crash is the pin's to notice: it starts another one.
 *
 * After a crash the arguments are what the pin was told last: the latest timestamp, for peers refuse
 * initiations that are not later, and the clock may have been set back; and `connected` or `stale`, if
 * there was a handshake. With the argument `device` it is the engine of `wg-wrap device` (device.ts):
 * steps 1, 2 and 4. How packets are to be moved is then the next argument.
 */
import { fstatSync, readSync } from 'node:fs';
import { formatHex, parseHex } from '../bytes.ts';
import { decodeEngineConfiguration, type EngineConfiguration } from '../engine-configuration.ts';
import type { EngineState } from '../engine-status.ts';
import { bootTime, wallClock } from '../linux/clock.ts';
import { entropy } from '../linux/entropy.ts';
import { makeUndumpable } from '../linux/ffi.ts';
import { x25519 } from '../linux/x25519.ts';
import { parseSet } from '../uapi.ts';
import { Device } from '../wireguard/device.ts';
import { control } from './control.ts';
import { serveControlSocket, type ControlListener } from './control-socket.ts';
import { deviceWish, runDevice } from './device.ts';
import { deviceUpdate } from './device-update.ts';
import { Endpoints } from './endpoints.ts';
import { HealthWatch, type HealthListener } from './health-watch.ts';
import { log, unopenedResponse } from './log.ts';
import { Loop } from './loop.ts';
import { neighboursOf } from './neighbours.ts';
import type { EngineFacts } from './status.ts';
import { Outside, type OutsideParts, type OutsideWord } from './outside.ts';
import { dataPathText, pumpFailed, usePump } from './pump.ts';

/** Numbers of the inherited descriptors (docs/architecture.md). */
const FD = { tun: 3, udp4: 4, udp6: 5, configuration: 6, control: 7 } as const;

// Node opens its debugger on SIGUSR1 unless somebody listens for that signal.
process.on('SIGUSR1', () => undefined);
process.on('disconnect', () => {
  process.exit(0);
});

function readConfiguration(): EngineConfiguration {
  const bytes = new Uint8Array(fstatSync(FD.configuration).size);
  let length = 0;
  while (length < bytes.length) {
    const count = readSync(FD.configuration, bytes, length, bytes.length - length, length);
    if (count === 0) break;
    length += count;
  }
  const text = new TextDecoder().decode(bytes.subarray(0, length));
  bytes.fill(0);
  return decodeEngineConfiguration(text);
}

type PinWord = 'ready' | 'connected' | 'stale' | `timestamp ${string}` | OutsideWord;

function tellPin(word: PinWord): void {
  process.send?.(word);
}

function logStart({ tunnel, mtu }: EngineConfiguration, loop: Loop): void {
  log(`started tunnel ${JSON.stringify(tunnel)}, mtu ${mtu}, ${dataPathText(loop)}`);
}

function watchHealth(device: Device, before: EngineState): HealthWatch {
  const listener: HealthListener = {
    onChange: (state) => {
      log(state === 'stale' ? 'lost contact' : 'is in contact again');
      tellPin(state);
    },
    onWarning: log,
  };
  return new HealthWatch(() => device.status(bootTime()).peers, listener, before);
}

/** What reaches device and loop through the control socket. */
function controlTunnel(
  { device, loop, endpoints }: OutsideParts,
  { sockets }: Outside,
  facts: Pick<EngineFacts, 'startedAt' | 'before'>,
): ControlListener {
  return control({
    device,
    loop,
    sockets,
    engine: {
      ...facts,
      nameOf: ({ publicKey }) => endpoints.resolvedFrom(publicKey),
    },
    tellsSecrets: false,
    onConfigured: (set) => {
      endpoints.changed(set);
    },
  });
}

/** What an engine that died has left. */
interface Legacy {
  readonly timestamp: Uint8Array | undefined;
  readonly state: EngineState;
}

function parseLegacy(words: readonly string[]): Legacy {
  const timestamp = words.find((word) => /^[0-9a-f]{24}$/.test(word));
  const state = words.find((word) => word === 'connected' || word === 'stale');
  return {
    timestamp: timestamp === undefined ? undefined : parseHex(timestamp),
    state: state ?? 'starting',
  };
}

/** Runs one tunnel. */
function runTunnel(legacy: Legacy): void {
  const facts = { startedAt: bootTime(), before: legacy.state };
  makeUndumpable();
  const configuration = readConfiguration();
  const parsed = parseSet(configuration.uapi);
  if (!parsed.ok) throw new TypeError(`the configuration is refused at line ${parsed.line}`);

  const device = new Device({
    entropy,
    wallClock,
    x25519,
    mtu: configuration.mtu,
    ...(legacy.timestamp && { lastTimestamp: legacy.timestamp }),
  });
  const health = watchHealth(device, legacy.state);
  const loop = new Loop(
    device,
    FD.tun,
    {
      onSettled: (now) => {
        health.look(now, device.handshakesCompleted);
      },
      onConnected: () => {
        log('completed the first handshake');
        tellPin('connected');
      },
      onInitiation: () => {
        const { lastTimestamp } = device;
        if (lastTimestamp) tellPin(`timestamp ${formatHex(lastTimestamp)}`);
      },
      onInitiationTo: (to) => {
        outside.initiationSent(to);
      },
      onSilence: () => {
        outside.silent();
      },
      onUnopenedResponse: (publicKey) => {
        log(unopenedResponse(publicKey));
      },
      onPumpFailed: (error) => {
        log(pumpFailed(error));
      },
      onTunGone: (error) => {
        log(`lost the TUN (${error.message})`);
        stop();
      },
    },
    configuration.reserved,
  );
  const endpoints = new Endpoints(configuration.endpoints);
  const { listenPort } = configuration;
  const parts = { device, loop, endpoints, listenPort, tell: tellPin };
  const outside = new Outside(parts);
  const server = serveControlSocket(
    FD.control,
    controlTunnel(parts, outside, facts),
    neighboursOf(FD.control),
  );

  const stop = (): void => {
    server.close();
    loop.stop();
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  // The pump's threads must be over before the process is.
  process.removeAllListeners('disconnect');
  process.on('disconnect', stop);
  process.on('message', outside.hear.bind(outside));

  usePump(loop, configuration.mtu, configuration);
  loop.apply((now, out) => {
    device.configure(deviceUpdate(parsed.set), now, out);
    device.configure({ peers: endpoints.initial() }, now, out);
  });
  loop.useSockets(FD.udp4, FD.udp6);
  loop.up();
  loop.connect();
  logStart(configuration, loop);
  tellPin('ready');
}

const words = process.argv.slice(2);
if (words[0] === 'device') runDevice(deviceWish(words[1]), () => process.exit(0));
else runTunnel(parseLegacy(words));
