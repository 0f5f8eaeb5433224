/**
 * Who may use the control socket: whoever is in the network namespace in which it was bound.
 *
 * A socket with a path can be connected to from anywhere, and a wrapped program has the user's own uid.
 * The masks inside hide the paths that there are when a tunnel starts or is joined; this holds wherever
 * the state is kept, and for every tunnel. A connection belongs to the network namespace of the socket
 * that it was made with, which a program can't choose but by being there.
 */
import { networkNamespaceOf } from '../linux/ffi.ts';

/** Tells connections from the namespace of the listening socket `listener` from all others. */
export function neighboursOf(listener: number): (connection: number) => boolean {
  const own = networkNamespaceOf(listener);
  // A kernel that doesn't tell leaves it to the masks.
  if (own === undefined) return () => true;
  return (connection) => networkNamespaceOf(connection) === own;
}
