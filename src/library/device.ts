/**
 * The device as embedders get it: with a Diffie-Hellman of its own. The core has none, so that a program
 * with a faster one doesn't carry the other about.
 */
import {
  Device as CoreDevice,
  type DeviceOptions as CoreDeviceOptions,
} from '../wireguard/device.ts';
import type { X25519 } from '../wireguard/ports.ts';
import { x25519 } from '../wireguard/x25519.ts';

/** What a device needs for its whole life. */
export interface DeviceOptions extends Omit<CoreDeviceOptions, 'x25519'> {
  /** Faster Diffie-Hellman; noble's by default. */
  readonly x25519?: X25519;
}

/** A WireGuard interface without any input or output of its own. */
export class Device extends CoreDevice {
  /** Makes a device that is down, without a key or peers. */
  constructor(options: DeviceOptions) {
    super({ x25519, ...options });
  }
}
