/**
 * Cryptokey routing (WP 2): which peer owns an address, by longest prefix match.
 *
 * One path-compressed binary trie for each family. A node stands for a prefix; its children are
 * longer prefixes that begin with it, told apart by the first bit behind it. A node without an owner
 * only branches, and has two children; one that has fewer is taken out, so that the trie never holds
 * more than twice the prefixes that were added.
 */
import type { Address, Prefix } from '../ip.ts';
import { maskPrefix } from '../ip.ts';

interface Node<Owner> {
  readonly prefix: Prefix;
  owner: Owner | undefined;
  parent: Node<Owner> | undefined;
  readonly children: [Node<Owner> | undefined, Node<Owner> | undefined];
}

/** Prefixes, each with one owner. */
export class AllowedIPs<Owner> {
  readonly #roots = new Map<number, Node<Owner>>();
  readonly #owned = new Map<Owner, Set<Node<Owner>>>();

  /** Finds the owner of the longest prefix that contains `address`. */
  lookup(address: Address): Owner | undefined {
    let found: Owner | undefined;
    let node = this.#roots.get(address.length);
    while (node && commonBits(node.prefix, address, node.prefix.length) === node.prefix.length) {
      found = node.owner ?? found;
      if (node.prefix.length === address.length * 8) break;
      node = node.children[bitAt(address, node.prefix.length)];
    }
    return found;
  }

  /** Gives a prefix to `owner`, and takes it from whoever had it. Host bits are ignored. */
  insert(prefix: Prefix, owner: Owner): void {
    const node = this.#place(maskPrefix(prefix));
    this.#disown(node);
    node.owner = owner;
    const owned = this.#owned.get(owner);
    if (owned) owned.add(node);
    else this.#owned.set(owner, new Set([node]));
  }

  /** Takes a prefix away, if it is `owner`'s. Host bits are ignored. */
  remove(prefix: Prefix, owner: Owner): void {
    const { address, length } = maskPrefix(prefix);
    let node = this.#roots.get(address.length);
    while (node && node.prefix.length < length)
      node = node.children[bitAt(address, node.prefix.length)];
    if (!node || node.owner !== owner || node.prefix.length !== length) return;
    if (commonBits(node.prefix, address, length) !== length) return;
    this.#disown(node);
    this.#prune(node);
  }

  /** Takes all prefixes of `owner` away. */
  removeAll(owner: Owner): void {
    for (const node of this.#owned.get(owner) ?? []) {
      this.#disown(node);
      this.#prune(node);
    }
  }

  /** The prefixes of `owner`, in the order in which they came. */
  prefixesOf(owner: Owner): readonly Prefix[] {
    return Array.from(this.#owned.get(owner) ?? [], (node) => node.prefix);
  }

  /** Finds or makes the node of a masked prefix. */
  #place(prefix: Prefix): Node<Owner> {
    const { address, length } = prefix;
    let parent: Node<Owner> | undefined;
    let node = this.#roots.get(address.length);
    while (node && node.prefix.length <= length) {
      if (commonBits(node.prefix, address, node.prefix.length) < node.prefix.length) break;
      if (node.prefix.length === length) return node;
      parent = node;
      node = node.children[bitAt(address, node.prefix.length)];
    }
    const placed = createNode<Owner>(prefix);
    const above = node ? this.#branch(parent, placed, node) : placed;
    this.#attach(parent, above);
    return placed;
  }

  /** Joins a prefix and a node that isn't above it; returns what is on top of both. */
  #branch(parent: Node<Owner> | undefined, placed: Node<Owner>, node: Node<Owner>): Node<Owner> {
    const limit = Math.min(placed.prefix.length, node.prefix.length);
    const common = commonBits(node.prefix, placed.prefix.address, limit);
    if (common === placed.prefix.length) {
      adopt(placed, node);
      return placed;
    }
    const fork = createNode<Owner>(maskPrefix({ address: placed.prefix.address, length: common }));
    fork.parent = parent;
    adopt(fork, placed);
    adopt(fork, node);
    return fork;
  }

  #attach(parent: Node<Owner> | undefined, node: Node<Owner>): void {
    if (parent) {
      adopt(parent, node);
      return;
    }
    node.parent = undefined;
    this.#roots.set(node.prefix.address.length, node);
  }

  #disown(node: Node<Owner>): void {
    if (node.owner === undefined) return;
    const owned = this.#owned.get(node.owner);
    owned?.delete(node);
    if (owned?.size === 0) this.#owned.delete(node.owner);
    node.owner = undefined;
  }

  /** Takes out a node that neither has an owner nor branches, and then its parent likewise. */
  #prune(node: Node<Owner>): void {
    const [left, right] = node.children;
    if (node.owner !== undefined || (left && right)) return;
    const { parent } = node;
    const child = left ?? right;
    if (child) {
      this.#attach(parent, child);
      return;
    }
    if (!parent) {
      this.#roots.delete(node.prefix.address.length);
      return;
    }
    parent.children[bitAt(node.prefix.address, parent.prefix.length)] = undefined;
    this.#prune(parent);
  }
}

function createNode<Owner>(prefix: Prefix): Node<Owner> {
  return { prefix, owner: undefined, parent: undefined, children: [undefined, undefined] };
}

function adopt<Owner>(parent: Node<Owner>, child: Node<Owner>): void {
  parent.children[bitAt(child.prefix.address, parent.prefix.length)] = child;
  child.parent = parent;
}

function bitAt(address: Address, index: number): 0 | 1 {
  return ((address[index >>> 3] >>> (7 - (index & 7))) & 1) === 0 ? 0 : 1;
}

/** How many leading bits of `address` agree with the prefix; at most `limit`. */
function commonBits(prefix: Prefix, address: Address, limit: number): number {
  for (let i = 0; 8 * i < limit; i++) {
    const difference = prefix.address[i] ^ address[i];
    if (difference !== 0) return Math.min(limit, 8 * i + Math.clz32(difference) - 24);
  }
  return limit;
}
