/**
 * The options of a run, as one table: how the command line spells them, which variable of the
 * environment stands for them, and what their values are. The launcher's front has the same table
 * for what it needs (launcher/arguments.c).
 */
import type { Address } from '../ip.ts';
import { parseDns, parseDuration, parseMtu, parseSwitch } from './values.ts';

/** The options by the names that commander gives them. */
export interface ParsedOptions {
  readonly config?: string;
  readonly profile?: string;
  readonly connectTimeout?: number;
  readonly wait?: boolean;
  /** The front's alone; here it is only understood. */
  readonly strict?: boolean;
  /** The front's alone, too. */
  readonly isolate?: boolean;
  readonly restart?: boolean;
  readonly linger?: number;
  readonly mtu?: number;
  readonly dns?: readonly Address[] | 'none';
  readonly ignoreUnknown?: boolean;
  /** For the launcher, which finds it in the plan. */
  readonly maskDbus?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: number;
  readonly help?: boolean;
  readonly version?: boolean;
}

/** The environment, of which the variables `WG_WRAP_<OPTION>` are of interest. */
export type OptionEnvironment = Readonly<Record<string, string | undefined>>;

/** One option. */
export interface OptionRow {
  readonly flags: string;
  readonly key: keyof ParsedOptions;
  /** Absent for what the environment can't give, or for what is read apart. */
  readonly variable?: string;
  /** For an option that takes a value. */
  readonly parse?: (text: string) => unknown;
  /** For a switch: what 1 and 0 in the environment mean. */
  readonly switched?: (isOn: boolean) => boolean | number;
}

const same = (isOn: boolean): boolean => isOn;

/** All options of a run. */
export const RUN_OPTIONS: readonly OptionRow[] = [
  { flags: '-c, --config <FILE|NAME>', key: 'config' },
  { flags: '--profile <NAME>', key: 'profile' },
  {
    flags: '--connect-timeout <TIME>',
    key: 'connectTimeout',
    variable: 'WG_WRAP_CONNECT_TIMEOUT',
    parse: parseDuration,
  },
  {
    flags: '--no-wait',
    key: 'wait',
    variable: 'WG_WRAP_NO_WAIT',
    switched: (isOn) => !isOn,
  },
  { flags: '--strict', key: 'strict', variable: 'WG_WRAP_STRICT', switched: same },
  { flags: '--isolate', key: 'isolate', variable: 'WG_WRAP_ISOLATE', switched: same },
  { flags: '--restart', key: 'restart', variable: 'WG_WRAP_RESTART', switched: same },
  { flags: '--linger <TIME>', key: 'linger', variable: 'WG_WRAP_LINGER', parse: parseDuration },
  { flags: '--mtu <BYTES>', key: 'mtu', variable: 'WG_WRAP_MTU', parse: parseMtu },
  { flags: '--dns <ADDR,…|none>', key: 'dns', variable: 'WG_WRAP_DNS', parse: parseDns },
  {
    flags: '--ignore-unknown',
    key: 'ignoreUnknown',
    variable: 'WG_WRAP_IGNORE_UNKNOWN',
    switched: same,
  },
  { flags: '--mask-dbus', key: 'maskDbus', variable: 'WG_WRAP_MASK_DBUS', switched: same },
  { flags: '-q, --quiet', key: 'quiet', variable: 'WG_WRAP_QUIET', switched: same },
  { flags: '-v, --verbose', key: 'verbose', variable: 'WG_WRAP_VERBOSE', switched: Number },
  { flags: '-V, --version', key: 'version' },
  { flags: '-h, --help', key: 'help' },
];

/**
 * What the environment says of an option; undefined if nothing. Empty is unset, as for the launcher.
 * @throws {InvalidValue}
 */
export function valueFromEnvironment(row: OptionRow, environment: OptionEnvironment): unknown {
  const text = row.variable === undefined ? undefined : environment[row.variable];
  if (text === undefined || text === '') return undefined;
  return row.parse ? row.parse(text) : row.switched?.(parseSwitch(text));
}
