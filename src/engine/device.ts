/**
 * The engine of `wg-wrap device`: WireGuard between a TUN and sockets of the same network namespace.
 *
 * It starts with nothing: keys, peers, port and mark come by the control socket, whose owner may read
 * them there as well. The launcher watches the link, wherever it is, and tells by the channel:
 *
 *   up        opens the sockets, then begins to read the TUN. Not before: a packet that comes with the
 *             link, ahead of this word, waits in the kernel
 *   down      closes the sockets and wipes what is in flight; keys and peers stay. Not where `up` has
 *             come with it (link.ts)
 *   mtu N     what packets are padded to
 *
 * Packets are moved as a tunnel's are, by the pump. It is told all of it, too: it runs while the link
 * is up, and while sockets are exchanged it rests, so that what is sent meanwhile waits in the TUN.
 *
 * It ends on SIGTERM, when the launcher is gone, or when the TUN is.
 */
import { bootTime, wallClock } from '../linux/clock.ts';
import { entropy } from '../linux/entropy.ts';
import { makeUndumpable } from '../linux/ffi.ts';
import { x25519 } from '../linux/x25519.ts';
import { Device } from '../wireguard/device.ts';
import { control } from './control.ts';
import { serveControlSocket } from './control-socket.ts';
import { DeviceSockets } from './device-sockets.ts';
import { Link } from './link.ts';
import { log, unopenedResponse } from './log.ts';
import { Loop } from './loop.ts';
import { dataPathText, pumpFailed, usePump, type PumpWish } from './pump.ts';

/** Numbers of the inherited descriptors (docs/architecture.md). */
const FD = { tun: 3, control: 7 } as const;
/** Until the launcher says another one. */
const DEFAULT_MTU = 1420;

/** Reads the launcher's word about the pump (docs/architecture.md). */
export function deviceWish(word: string | undefined): PumpWish {
  const workers = /^workers=([0-9])$/.exec(word ?? '')?.[1];
  return {
    pump: word === 'pump=off' ? 'off' : 'on',
    pumpWorkers: workers === undefined ? undefined : Number(workers),
  };
}

/** Runs the device until it calls `end`, which ends the process. */
export function runDevice(wish: PumpWish, end: () => never): void {
  const startedAt = bootTime();
  makeUndumpable();
  const device = new Device({ entropy, wallClock, x25519, mtu: DEFAULT_MTU });
  const listener = {
    onConnected: () => {
      log('completed the first handshake');
    },
    onUnopenedResponse: (publicKey: Uint8Array) => {
      log(unopenedResponse(publicKey));
    },
    onPumpFailed: (error: Error) => {
      log(pumpFailed(error));
    },
    onTunGone: (error: Error) => {
      log(`lost the TUN (${error.message})`);
      stop();
    },
  };
  const loop = new Loop(device, FD.tun, listener, undefined);
  usePump(loop, DEFAULT_MTU, wish);
  const sockets = new DeviceSockets((udp4, udp6) => {
    loop.useSockets(udp4, udp6);
  });
  const server = serveControlSocket(
    FD.control,
    control({
      device,
      loop,
      sockets,
      engine: { startedAt },
      tellsSecrets: true,
    }),
  );
  const stop = (): void => {
    server.close();
    loop.stop();
    end();
  };
  process.on('SIGTERM', stop);
  // The pump's threads must be over before the process is.
  process.removeAllListeners('disconnect');
  process.on('disconnect', stop);
  const link = new Link({
    onUp: () => {
      openSockets(sockets);
      loop.up();
      log(`went up, port ${sockets.listenPort}, ${dataPathText(loop)}`);
    },
    onDown: () => {
      loop.down();
      sockets.down();
      log('went down');
    },
  });
  process.on('message', (word) => {
    obey(word, loop, link);
  });
  process.send?.('ready');
}

/** Does what the launcher says about the link. */
function obey(word: unknown, loop: Loop, link: Link): void {
  const mtu = typeof word === 'string' ? /^mtu (\d{1,5})$/.exec(word)?.[1] : undefined;
  if (mtu !== undefined) {
    loop.setMtu(Number(mtu));
    log(`took MTU ${mtu}`);
  } else if (word === 'up') {
    link.wentUp();
  } else if (word === 'down') {
    link.wentDown();
  } else {
    log('heard an unknown word from the launcher');
  }
}

/** A port that is taken leaves the device up without sockets, until a request names another. */
function openSockets(sockets: DeviceSockets): void {
  try {
    sockets.up();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    log(`could not listen on port ${sockets.listenPort} (${error.message})`);
  }
}
