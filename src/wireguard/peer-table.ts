/**
 * The peers of a device: who they are, which addresses are theirs, and our own key, on which every
 * handshake with them depends.
 *
 * Removing a peer removes its prefixes, indices, deadlines and keys in the same step. What a change
 * makes possible happens with it: a keepalive that was waiting for an endpoint, an interval or a key
 * goes out, and so does what is staged.
 */
import { equalConstantTime, formatHex, isZero } from '../bytes.ts';
import type { Address } from '../ip.ts';
import { AllowedIPs } from './allowedips.ts';
import type { DeviceUpdate, PeerStatus, PeerUpdate } from './configuration.ts';
import { MAX_PEERS } from './constants.ts';
import { CookieMaker } from './cookie.ts';
import type { StaticKeys } from './handshake.ts';
import type { PeerContext } from './peer.ts';
import { Peer } from './peer.ts';
import type { FastPath, Millis, Outputs } from './ports.ts';

/** Our side of every handshake. */
export interface Identity extends StaticKeys {
  readonly cookies: CookieMaker;
}

/** Peers by public key and by address. */
export class PeerTable {
  readonly #context: PeerContext;
  readonly #peers = new Map<string, Peer>();
  readonly #allowedIPs = new AllowedIPs<Peer>();
  /** By the number of a peer; numbers come again, so that there are never more than peers. */
  readonly #numbered: (Peer | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  /** Peers whose prefixes may still be in the fast path. */
  readonly #removed: number[] = [];
  #identity: Identity | undefined;

  constructor(context: PeerContext) {
    this.#context = context;
  }

  /** Undefined while there is no private key. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Finds the peer that may send from, and be sent to, an address. */
  lookup(address: Address): Peer | undefined {
    return this.#allowedIPs.lookup(address);
  }

  /** Finds a peer by its public key. */
  find(publicKey: Uint8Array): Peer | undefined {
    return this.#peers.get(formatHex(publicKey));
  }

  /** Finds the peer that the fast path knows by a number. */
  withNumber(number: number): Peer | undefined {
    return this.#numbered[number];
  }

  /** All peers, in the order in which they came. */
  values(): IterableIterator<Peer> {
    return this.#peers.values();
  }

  /** Applies an update that has been checked. */
  configure(update: DeviceUpdate, now: Millis, out: Outputs): void {
    if (update.privateKey) this.#setPrivateKey(update.privateKey, now, out);
    if (update.replacePeers) {
      for (const peer of this.#peers.values()) this.#remove(peer);
    }
    for (const peerUpdate of update.peers ?? []) this.#configurePeer(peerUpdate, now, out);
    this.#tellFastPath();
  }

  /** Ends all keypairs, and tells another fast path what the one before has known. */
  useFastPath(fastPath: FastPath | undefined): void {
    for (const peer of this.#peers.values()) {
      peer.transport.clear();
      // The answer to the last one may have gone to the way before.
      peer.exchange.allowInitiation();
    }
    this.#context.fastPath = fastPath;
    for (const peer of this.#peers.values()) peer.transport.fastPathChanged(peer.endpoint);
    this.#tellFastPath();
  }

  /** The peers as they are. */
  status(): PeerStatus[] {
    return Array.from(this.#peers.values(), (peer) => ({
      publicKey: peer.publicKey.slice(),
      ...(!isZero(peer.exchange.presharedKey) && {
        presharedKey: peer.exchange.presharedKey.slice(),
      }),
      ...(peer.endpoint && { endpoint: peer.endpoint }),
      allowedIPs: this.#allowedIPs.prefixesOf(peer),
      ...(peer.lastHandshakeTime && { lastHandshakeTime: peer.lastHandshakeTime }),
      ...peer.transport.traffic,
      silences: peer.silences,
      persistentKeepaliveSeconds: peer.timers.persistentKeepaliveSeconds,
      stagedPackets: peer.transport.staged.length,
      replies: peer.timers.replies.status(),
    }));
  }

  #setPrivateKey(privateKey: Uint8Array, now: Millis, out: Outputs): void {
    const before = this.#identity;
    if (before && equalConstantTime(before.staticPrivate, privateKey)) return;
    this.#identity = isZero(privateKey) ? undefined : this.#createIdentity(privateKey);
    if (this.#identity) this.#remove(this.find(this.#identity.staticPublic));
    for (const peer of this.#peers.values()) {
      peer.setLocal(this.#identity);
      peer.sendPersistentKeepalive(now, out);
    }
    before?.staticPrivate.fill(0);
  }

  #createIdentity(privateKey: Uint8Array): Identity {
    const staticPublic = this.#context.x25519.publicKey(privateKey);
    const cookies = new CookieMaker(staticPublic, this.#context.entropy);
    return { staticPrivate: Uint8Array.from(privateKey), staticPublic, cookies };
  }

  #configurePeer(update: PeerUpdate, now: Millis, out: Outputs): void {
    const ours = this.#identity?.staticPublic;
    if (ours && equalConstantTime(ours, update.publicKey)) return;
    const found = this.find(update.publicKey);
    if (update.remove) {
      this.#remove(found);
      return;
    }
    if (!found && (update.updateOnly || this.#peers.size >= MAX_PEERS)) return;
    const peer = found ?? this.#add(update.publicKey);
    const wasSilent = !peer.endpoint || peer.timers.persistentKeepaliveSeconds === 0;
    if (update.presharedKey) peer.exchange.setPresharedKey(update.presharedKey);
    if (update.endpoint) peer.whereabouts.set(update.endpoint);
    if (update.candidates) peer.setCandidates(update.candidates, now, out);
    if (update.persistentKeepaliveSeconds !== undefined) {
      peer.timers.setPersistentKeepalive(update.persistentKeepaliveSeconds);
    }
    if (update.replaceAllowedIPs) this.#allowedIPs.removeAll(peer);
    for (const { prefix, remove } of update.allowedIPs ?? []) {
      if (remove) this.#allowedIPs.remove(prefix, peer);
      else this.#allowedIPs.insert(prefix, peer);
    }
    if (wasSilent) peer.sendPersistentKeepalive(now, out);
    peer.transport.follow(peer.endpoint);
    peer.flush(now, out);
  }

  #add(publicKey: Uint8Array): Peer {
    const number = this.#freeNumbers.pop() ?? this.#numbered.length;
    const peer = new Peer(Uint8Array.from(publicKey), number, this.#context);
    this.#numbered[number] = peer;
    peer.setLocal(this.#identity);
    this.#peers.set(formatHex(publicKey), peer);
    return peer;
  }

  #remove(peer: Peer | undefined): void {
    if (!peer) return;
    this.#allowedIPs.removeAll(peer);
    this.#peers.delete(formatHex(peer.publicKey));
    peer.remove();
    this.#numbered[peer.transport.number] = undefined;
    this.#removed.push(peer.transport.number);
  }

  /** Tells the table first: then nothing leads to the peers that are forgotten. */
  #tellFastPath(): void {
    const { fastPath } = this.#context;
    fastPath?.setAllowedIPs(
      Array.from(this.#peers.values()).flatMap((peer) =>
        this.#allowedIPs
          .prefixesOf(peer)
          .map((prefix) => ({ prefix, peer: peer.transport.number })),
      ),
    );
    for (const number of this.#removed.splice(0)) {
      fastPath?.removePeer(number);
      this.#freeNumbers.push(number);
    }
  }
}
