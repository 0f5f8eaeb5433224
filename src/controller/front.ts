/**
 * The front, as the controller knows it: the descriptors that it hands over (docs/architecture.md),
 * and the few words of the conversation between the two.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { WgWrapError } from '../errors.ts';

/** Descriptors of the roles that build a tunnel or wait for one. */
export const FRONT_FD = { lock: 3, stateDirectory: 4, conversation: 5 } as const;

/** More than the front can have written: 16 options of some 300 bytes. */
const MAX_OPTION_BYTES = 16_384;

/**
 * The options that the tunnel gets, by name and as the user typed them; empty for a switch. The front
 * has written them before it started this process: lines `option NAME VALUE`, then an empty one.
 */
export function readTunnelOptions(): ReadonlyMap<string, string> {
  const bytes = new Uint8Array(MAX_OPTION_BYTES);
  const decoder = new TextDecoder();
  let length = 0;
  let text = '';
  while (text !== '\n' && !text.endsWith('\n\n')) {
    const got = readSync(FRONT_FD.conversation, bytes, length, bytes.length - length, null);
    if (got === 0) throw new TypeError('the front gave no options');
    length += got;
    text = decoder.decode(bytes.subarray(0, length));
  }
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map(parseOption),
  );
}

function parseOption(line: string): readonly [string, string] {
  const match = /^option ([a-z0-9-]+) (.*)$/.exec(line);
  if (!match) throw new TypeError('the front gave a line that is no option');
  return [match[1], match[2]];
}

/** Something changed that takes a fresh tunnel; the front knows whether there can be one. */
export function tellFrontChanged(what: string): void {
  writeSync(FRONT_FD.conversation, what);
}

/** The front may go on; if it was killed meanwhile, nobody is left to tell anything. */
export function tellFront(): void {
  try {
    writeSync(FRONT_FD.conversation, 'ready\n');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') {
      throw new WgWrapError('setup', [], { cause: error });
    }
    throw error;
  }
  closeSync(FRONT_FD.conversation);
}
