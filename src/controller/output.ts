/** Where a subcommand's answer goes. */

/** Prints text on standard output; false if its reader has gone, and wants no more. */
export type Output = (text: string) => Promise<boolean>;
