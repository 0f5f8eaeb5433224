/**
 * The bytes of a file to its `[Interface]` and `[Peer]` blocks, each line with its place.
 *
 * 1. Bytes to text: UTF-8, with or without a byte order mark, at most 1 MiB. A file in UTF-16 is
 *    told apart, since some editors write it and it looks the same on the screen.
 * 2. Text to lines, and lines without their comment: `#` starts one anywhere, as in wg(8).
 * 3. Lines to blocks. A name in brackets starts one, in any case; the rest are assignments.
 *
 * Each assignment is read by `ini`, one line at a time: a whole file would lose its repeated
 * sections and keys, and its line numbers. It would also take quotes off, end a value at `;`, and
 * make booleans of `true`; so the line goes in guarded (see `readAssignment`) and a value comes out
 * as it was written.
 */
import { parse } from 'ini';
import { quote, type Place, type Report } from './diagnostic.ts';

/** Longest file that is read. */
export const MAX_FILE_BYTES = 0x100000;

/** The two sections there are. */
export type SectionName = 'Interface' | 'Peer';

/** A line `key = value`, both without the space around them. The place is the key's. */
export interface Entry extends Place {
  readonly key: string;
  readonly value: string;
  readonly valueColumn: number;
}

/** A section as it stands in the file. The place is that of its name. */
export interface Block extends Place {
  readonly name: SectionName;
  readonly entries: readonly Entry[];
}

/** A file as its blocks. */
export interface Blocks {
  readonly blocks: readonly Block[];
  /** The last line that is not empty; 1 in an empty file. */
  readonly lastLine: number;
}

/**
 * Reads the blocks of a file. A line that is none of the known shapes is an error in the report and
 * is left out; undefined means that the file isn't text, and there is nothing more to say about it.
 */
export function readBlocks(bytes: Uint8Array, report: Report): Blocks | undefined {
  const text = decodeText(bytes, report);
  return text === undefined ? undefined : readLines(text, report);
}

function decodeText(bytes: Uint8Array, report: Report): string | undefined {
  const fault = findFault(bytes);
  if (fault !== undefined) {
    report.error({ line: 0, column: 0 }, fault);
    return undefined;
  }
  const text = decodeUtf8(bytes);
  if (text === undefined) {
    const place = { line: findInvalidLine(bytes), column: 1 };
    report.error(place, 'not UTF-8 text; save the file as UTF-8');
  }
  return text;
}

/** What is wrong with the file as a whole, to stand after its name. */
function findFault(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_FILE_BYTES) return 'is not a config (larger than 1 MiB)';
  if (isUtf16(bytes)) return 'is UTF-16; save it as UTF-8';
  return bytes.includes(0) ? 'is not a text file' : undefined;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    // The decoder's one way to say that bytes aren't UTF-8.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** A byte order mark, or an ASCII character and a zero byte at the start, either way round. */
function isUtf16(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  if (bytes.length < 2) return false;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  return (first === 0) !== (second === 0);
}

/** The first line that isn't UTF-8. No character of several bytes has a line's end among them. */
function findInvalidLine(bytes: Uint8Array): number {
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
    if (decodeUtf8(bytes.subarray(start, end)) === undefined) break;
    start = end + 1;
  }
  return new TextDecoder().decode(bytes.subarray(0, start)).split(LINE_END).length;
}

const LINE_FEED = 0x0a;
const LINE_END = /\r?\n|\r/;

function readLines(text: string, report: Report): Blocks {
  const blocks: Block[] = [];
  // Undefined before the first section, whose lines are refused; those of an unknown section go
  // nowhere, since its name has been refused already.
  let entries: Entry[] | undefined;
  let lastLine = 1;
  for (const [index, raw] of text.split(LINE_END).entries()) {
    if (report.isFull) break;
    const uncommented = raw.split('#', 1)[0];
    const content = uncommented.trim();
    if (raw !== '') lastLine = index + 1;
    if (content === '') continue;
    const place = { line: index + 1, column: indentOf(uncommented) + 1 };
    if (content.startsWith('[')) {
      entries = [];
      const name = readSectionName(content, place, report);
      if (name) blocks.push({ ...place, name, entries });
    } else if (entries) {
      const entry = readEntry(content, place, report);
      if (entry) entries.push(entry);
    } else {
      report.error(place, 'key outside of a section');
    }
  }
  return { blocks, lastLine };
}

function readSectionName(text: string, place: Place, report: Report): SectionName | undefined {
  const name = /^\[\s*(interface|peer)\s*\]$/i.exec(text)?.[1].toLowerCase();
  if (name === undefined) {
    report.error(place, `unknown section ${quote(text)} (expected [Interface] or [Peer])`);
    return undefined;
  }
  return name === 'peer' ? 'Peer' : 'Interface';
}

function readEntry(content: string, place: Place, report: Report): Entry | undefined {
  const assignment = readAssignment(content);
  if (!assignment) {
    report.error(place, 'expected KEY = VALUE');
    return undefined;
  }
  const equals = content.indexOf('=');
  const gap = indentOf(content.slice(equals + 1));
  return { ...assignment, ...place, valueColumn: place.column + equals + 1 + gap };
}

/**
 * Reads one line without comment and outer space. What `ini` would interpret is escaped, and an
 * escaped `;` at both ends keeps it from seeing quotes around a key or value, a boolean, an array,
 * a section, or the one key that it drops; the two are taken off again.
 */
function readAssignment(content: string): { key: string; value: string } | undefined {
  // These two end a line for a regular expression, and for nobody else.
  const line = content.replace(/[\\;]/g, '\\$&').replace(/[\u2028\u2029]/g, ' ');
  const parsed: Record<string, unknown> = parse(`\\;${line}\\;`, { bracketedArray: false });
  const [key, value] = Object.entries(parsed)[0];
  const name = key.slice(1).trim();
  // A line without `=` has a boolean in place of a value.
  if (typeof value !== 'string' || name === '') return undefined;
  return { key: name, value: value.slice(0, -1).trim() };
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}
