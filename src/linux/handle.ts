/** Descriptors that come by the channel, as the handles in which Node wraps them. */
import { duplicate } from './ffi.ts';

interface NativeHandle {
  readonly fd: number;
  close(): void;
}

/**
 * Takes the descriptor out of a handle that came with a message, to be closed by its new owner alone.
 * @throws {TypeError} if no descriptor came.
 */
export function takeDescriptor(handle: unknown): number {
  if (!isNativeHandle(handle)) throw new TypeError('a message came without its descriptor');
  // The handle would close its own when it is collected, whoever uses it by then.
  const fd = duplicate(handle.fd);
  handle.close();
  return fd;
}

function isNativeHandle(handle: unknown): handle is NativeHandle {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    'fd' in handle &&
    typeof handle.fd === 'number' &&
    handle.fd >= 0 &&
    'close' in handle
  );
}
