/**
 * The keys of a section: which there are, and what each one's lines come to.
 *
 * A key stands for one value or for a list. Of one value the last line counts, with a warning; the
 * lines of a list go one after the other. A key that nobody knows is refused with the nearest that
 * somebody does, since a mistyped `AllowedIPs` would otherwise be a tunnel that carries nothing.
 */
import type { Block, Entry, SectionName } from './blocks.ts';
import { findNearest, type Place, type Report } from './diagnostic.ts';
import { Refusal, type FieldParser, type ListParser } from './fields.ts';

/** Commands of wg-quick(8), which are never run. */
export const HOOK_KEYS = ['PreUp', 'PostUp', 'PreDown', 'PostDown'] as const;

const KEYS = {
  Interface: [
    'PrivateKey',
    'Address',
    'DNS',
    'MTU',
    'ListenPort',
    'FwMark',
    'Table',
    'SaveConfig',
    'PreUp',
    'PostUp',
    'PreDown',
    'PostDown',
  ],
  Peer: ['PublicKey', 'PresharedKey', 'AllowedIPs', 'Endpoint', 'PersistentKeepalive', 'Reserved'],
} as const;

/** A key that is known in one of the sections. */
export type Key = (typeof KEYS)[SectionName][number];

/** A value and where it stands. */
export interface Located<T> extends Place {
  readonly value: T;
}

/** One `[Peer]`, or all that is said in `[Interface]`. */
export class Section {
  readonly #report: Report;
  readonly #entries = new Map<Key, Entry[]>();

  /** Sorts the lines of `blocks`, all of one name, by their keys. */
  constructor(name: SectionName, blocks: readonly Block[], report: Report, skipUnknown: boolean) {
    this.#report = report;
    for (const entry of blocks.flatMap((block) => block.entries)) {
      if (report.isFull) break;
      const key = findKey(entry.key, KEYS[name]);
      if (key) this.#add(key, entry);
      else if (!isAmneziaKey(entry.key)) refuseKey(entry, name, report, skipUnknown);
    }
  }

  /** Tells whether the key is there at all, right or wrong. */
  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  /** Tells whether the list of the key has an element, right or wrong. */
  hasElements(key: Key): boolean {
    return this.#entries.get(key)?.some(({ value }) => /[^\s,]/.test(value)) ?? false;
  }

  /** The line where the key stands first; undefined if it doesn't. */
  firstLine(key: Key): number | undefined {
    return this.#entries.get(key)?.[0].line;
  }

  /** The value of a key that has one; undefined without the key, or after an error. */
  one<T>(key: Key, parse: FieldParser<T>): Located<T> | undefined {
    let found: Located<T> | undefined;
    let earlier: Entry | undefined;
    for (const entry of this.#entries.get(key) ?? []) {
      if (earlier) {
        this.#report.warn(
          entry.line,
          `${key} was also given at line ${earlier.line}; the last counts`,
        );
      }
      earlier = entry;
      const value = parse(entry.value, key);
      if (value instanceof Refusal) this.#refuse(entry, value);
      else found = { value, line: entry.line, column: entry.valueColumn };
    }
    return found;
  }

  /** The elements of a key that has a list; those with errors are left out. */
  all<T>(key: Key, parse: ListParser<T>): Located<T>[] {
    const found: Located<T>[] = [];
    for (const entry of this.#entries.get(key) ?? []) {
      for (const value of parse(entry.value)) {
        if (value instanceof Refusal) this.#refuse(entry, value);
        else found.push({ value, line: entry.line, column: entry.valueColumn });
      }
    }
    return found;
  }

  #add(key: Key, entry: Entry): void {
    const entries = this.#entries.get(key);
    if (entries) entries.push(entry);
    else this.#entries.set(key, [entry]);
  }

  #refuse(entry: Entry, { message, offset }: Refusal): void {
    this.#report.error({ line: entry.line, column: entry.valueColumn + offset }, message);
  }
}

/**
 * Refuses a file for AmneziaWG at the first of its keys: a peer that expects its disguise ignores
 * everything else, so without this the user would wait for a handshake that can't come.
 */
export function refuseAmnezia(blocks: readonly Block[], report: Report): void {
  const isAmnezia = (entry: Entry): boolean => isAmneziaKey(entry.key);
  const entry = blocks.flatMap((block) => block.entries).find(isAmnezia);
  if (!entry) return;
  const reason = `a plain WireGuard client can't complete its handshake`;
  report.error(entry, `this is an AmneziaWG config (${entry.key}): ${reason}`);
}

function isAmneziaKey(key: string): boolean {
  return /^(?:jc|jmin|jmax|[sh][1-4]|i[1-5]|j[1-3]|itime|headerprotectionkey|advancedsecurity)$/i.test(
    key,
  );
}

function refuseKey(entry: Entry, name: SectionName, report: Report, skipUnknown: boolean): void {
  const other = name === 'Peer' ? 'Interface' : 'Peer';
  const misplaced = findKey(entry.key, KEYS[other]);
  if (misplaced) {
    report.error(entry, `${misplaced} belongs in [${other}]`);
    return;
  }
  const shown = `unknown key${showKey(entry)}`;
  if (skipUnknown) {
    report.note(entry.line, `${shown} skipped`);
    return;
  }
  const nearest = findNearest(entry.key, [...KEYS[name], ...KEYS[other]]);
  const advice = nearest === undefined ? '' : ` (nearest: ${nearest})`;
  report.error(entry, `${shown}${advice}; --ignore-unknown skips it`);
}

/**
 * The name of an unknown key with a space in front, if it can only be a name. The rest of a key that
 * an editor has wrapped ends in `=`, and so looks like a name without a value.
 */
function showKey({ key, value }: Entry): string {
  return value !== '' && /^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(key) ? ` "${key}"` : '';
}

/** wg(8) reads names in any case, and with space in them. */
function findKey<K extends string>(text: string, keys: readonly K[]): K | undefined {
  const name = text.replace(/\s/g, '').toLowerCase();
  return keys.find((key) => key.toLowerCase() === name);
}
