/**
 * What there is to tell about a file: errors, warnings and notes, each with its place.
 *
 * A message may quote what the user wrote, and what the user wrote may be a key that slipped into
 * the wrong line. So text from the file goes into a message through `quote` only, which shows
 * nothing that could be one, and nothing that could steer a terminal.
 */

/**
 * Something to tell about a place in the file. Lines and columns count from 1; a column of 0 means
 * the line as a whole, and a line of 0 the file.
 */
export interface Diagnostic {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Where a text stands in the file. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Most errors that are shown of one file. */
export const MAX_ERRORS = 20;

/** Gathers what is to be told about one file. */
export class Report {
  readonly #errors: Diagnostic[] = [];
  readonly #warnings: Diagnostic[] = [];
  readonly #notes: Diagnostic[] = [];

  /** Adds an error at a place. */
  error(place: Place, message: string): void {
    if (this.isFull) return;
    this.#errors.push({ line: place.line, column: place.column, message });
  }

  /**
   * Tells whether more errors would not be shown, so that a large file of nothing but mistakes need
   * not be read to its end. Twice what is shown, as they are not found in the order of the file.
   */
  get isFull(): boolean {
    return this.#errors.length >= 2 * MAX_ERRORS;
  }

  /** Adds a warning: the result differs from what the file asks for. */
  warn(line: number, message: string): void {
    this.#warnings.push({ line, column: 0, message });
  }

  /** Adds a note: harmless, but not done as written. */
  note(line: number, message: string): void {
    this.#notes.push({ line, column: 0, message });
  }

  /** The errors that are shown, in the order of the file. */
  get errors(): readonly Diagnostic[] {
    return inOrder(this.#errors).slice(0, MAX_ERRORS);
  }

  /** The warnings in the order of the file. */
  get warnings(): readonly Diagnostic[] {
    return inOrder(this.#warnings);
  }

  /** The notes in the order of the file. */
  get notes(): readonly Diagnostic[] {
    return inOrder(this.#notes);
  }
}

/** Formats as `FILE:LINE:COLUMN: message`, or with less of the place where less is meant. */
export function formatDiagnostic(file: string, diagnostic: Diagnostic): string {
  const { line, column, message } = diagnostic;
  if (line === 0) return `${file} ${message}`;
  return column === 0 ? `${file}:${line}: ${message}` : `${file}:${line}:${column}: ${message}`;
}

/** Puts text from the file into quotes for a message, unless it should rather not be shown. */
export function quote(text: string): string {
  const isPlain = /^[\x20-\x7e\p{L}\p{N}]{0,100}$/u.test(text);
  return isPlain && !mayHoldKey(text) ? `"${text}"` : '(not shown)';
}

/**
 * The nearest of the `words` in any case, if `text` is a few typing mistakes away from it: one, or
 * one for every three letters of the word.
 */
export function findNearest(text: string, words: readonly string[]): string | undefined {
  if (text.length > 2 * LONGEST_WORD) return undefined;
  const wanted = text.toLowerCase();
  let best: { word: string; distance: number } | undefined;
  for (const word of words) {
    const distance = editDistance(wanted, word.toLowerCase());
    if (distance > Math.max(1, Math.floor(word.length / 3))) continue;
    if (!best || distance < best.distance) best = { word, distance };
  }
  return best?.word;
}

const LONGEST_WORD = 20;

/** A key is 43 base64 characters and `=`, or 64 hexadecimal digits. */
function mayHoldKey(text: string): boolean {
  return /[A-Za-z0-9+/]{40}/.test(text);
}

/** The number of letters to insert, delete, change or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(change, last[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
      }
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}

function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
