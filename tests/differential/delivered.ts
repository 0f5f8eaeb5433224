/**
 * What the pump has written to the TUN, held against the packets that a core without one delivers.
 *
 * Super-packets are cut first. Order counts within a flow, and towards whatever may belong to any flow,
 * such as a fragment; packets of two flows may pass each other. A packet that comes out of a
 * super-packet has the identification that the cut gives it, which means nothing where it may not be
 * fragmented (RFC 6864 4.1), and a right checksum, since nobody looks at the one that it came with.
 */
import { expect } from 'vitest';
import { formatHex } from '../../src/bytes.ts';
import { complete, cut, TCP, UDP, type Place } from './reference.ts';

interface Delivered {
  readonly packet: Uint8Array;
  readonly isFromSuper: boolean;
}

/** Compares them; returns how many super-packets there were. */
export function compareDelivered(
  frames: readonly Uint8Array[],
  expected: readonly Uint8Array[],
  message: string,
): number {
  const cuts = frames.map(cut);
  const actual = cuts.flatMap(({ packets, isSuper }): Delivered[] =>
    packets.map((packet) => ({ packet, isFromSuper: isSuper })),
  );
  const supers = cuts.filter(({ isSuper }) => isSuper).length;
  if (supers === 0) {
    expect(
      actual.map(({ packet }) => formatHex(packet)),
      message,
    ).toEqual(expected.map(formatHex));
    return 0;
  }
  const wanted = byFlow(expected.map((packet) => ({ packet, isFromSuper: false })));
  const got = byFlow(actual);
  expect([...got.keys()].sort(), message).toEqual([...wanted.keys()].sort());
  for (const [flow, deliveries] of got) {
    // Each expected packet is shown as the actual one in its place may be.
    const shown = wanted
      .get(flow)
      ?.map(({ label, packet }, at) => show(label, packet, deliveries[at]?.isFromSuper ?? false));
    const found = deliveries.map(({ label, packet, isFromSuper }) =>
      show(label, packet, isFromSuper),
    );
    expect(found, `${message}, flow ${flow}`).toEqual(shown);
  }
  return supers;
}

/** Puts packets beside those of their flow, in order; a label counts what nothing may pass. */
function byFlow(
  deliveries: readonly Delivered[],
): Map<string, (Delivered & { readonly label: number })[]> {
  const flows = new Map<string, (Delivered & { readonly label: number })[]>();
  let barriers = 0;
  for (const delivery of deliveries) {
    const flow = flowOf(delivery.packet);
    if (!flow) barriers++;
    const others = flows.get(flow ?? 'any') ?? [];
    others.push({ ...delivery, label: barriers });
    flows.set(flow ?? 'any', others);
  }
  return flows;
}

function show(label: number, packet: Uint8Array, isFromSuper: boolean): string {
  const place = isFromSuper ? placeOf(packet) : undefined;
  if (!place) return `${label} ${formatHex(packet)}`;
  const shown = packet.slice();
  const isWhole = (packet[6] & 0x40) !== 0;
  if (packet[0] >>> 4 === 4 && isWhole) shown.fill(0, 4, 6);
  complete(shown, place);
  return `${label} ${formatHex(shown)}`;
}

/** Addresses, protocol and ports; undefined for what has none, or may not show them. */
function flowOf(packet: Uint8Array): string | undefined {
  const place = placeOf(packet);
  if (!place || packet.length < place.start + 4) return undefined;
  const addresses = packet[0] >>> 4 === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  const ports = packet.subarray(place.start, place.start + 4);
  return `${place.protocol} ${formatHex(addresses)} ${formatHex(ports)}`;
}

function placeOf(packet: Uint8Array): Place | undefined {
  const isIPv4 = packet[0] >>> 4 === 4;
  const protocol = isIPv4 ? packet[9] : packet[6];
  if (protocol !== TCP && protocol !== UDP) return undefined;
  const isFragment = isIPv4 && ((packet[6] & 0x3f) !== 0 || packet[7] !== 0);
  if (isFragment) return undefined;
  return { start: isIPv4 ? (packet[0] & 15) * 4 : 40, protocol };
}
