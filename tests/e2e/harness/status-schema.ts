/**
 * The documented fields of a status (docs/status.md) as a table, and a check against it: each field is
 * there and of its type, null only where it may be, and there is no field that the table doesn't have.
 */

/** By dotted path; `[]` is each element of an array. A question mark: or null. */
export const STATUS_FIELDS: Readonly<Record<string, string>> = {
  schema: 'number',
  tunnel: 'string',
  config: 'string',
  state: 'string',
  uptime_s: '?number',
  engine: 'object',
  'engine.pid': '?number',
  'engine.data_path': '?string',
  'engine.offload': '?boolean',
  'engine.uses': '?strings',
  'engine.workers': '?number',
  'engine.restarts': 'number',
  'engine.uptime_s': '?number',
  'engine.rss_bytes': '?number',
  'engine.under_load': '?boolean',
  interface: 'object',
  'interface.name': '?string',
  'interface.public_key': '?string',
  'interface.addresses': '?strings',
  'interface.mtu': '?number',
  'interface.listen_port': '?number',
  dns: '?object',
  'dns.mode': 'string',
  'dns.servers': 'strings',
  'dns.search': 'strings',
  options: '?strings by name',
  linger_s: '?number',
  peers: '?objects',
  'peers[].public_key': 'string',
  'peers[].endpoint': '?string',
  'peers[].resolved_from': '?string',
  'peers[].allowed_ips': '?strings',
  'peers[].last_handshake_age_s': '?number',
  'peers[].handshakes': '?number',
  'peers[].rx_bytes': '?number',
  'peers[].tx_bytes': '?number',
  'peers[].persistent_keepalive_s': '?number',
  sessions: 'objects',
  'sessions[].pid': 'number',
  'sessions[].command': 'string',
  other_processes: 'numbers',
  published: 'objects',
  leak_paths: 'strings',
  drops: '?numbers by name',
  errors: '?object',
  'errors.udp_send': 'numbers by name',
  'errors.udp_receive': 'numbers by name',
  'errors.tun_write': 'numbers by name',
  warnings: 'strings',
  notes: 'strings',
};

/** A status as a test uses it. */
export interface StatusObject {
  readonly tunnel: string;
  readonly config: string;
  readonly state: string;
  readonly uptime_s: number | null;
  readonly engine: { readonly pid: number | null; readonly restarts: number };
  readonly interface: { readonly listen_port: number | null };
  readonly peers:
    | readonly {
        readonly rx_bytes: number | null;
        readonly tx_bytes: number | null;
        readonly last_handshake_age_s: number | null;
      }[]
    | null;
  readonly sessions: readonly { readonly pid: number; readonly command: string }[];
  readonly other_processes: readonly number[];
  readonly drops: Readonly<Record<string, number>> | null;
  readonly warnings: readonly string[];
  readonly notes: readonly string[];
}

/** Gives `value` as a status; throws what is wrong with it. */
export function checkStatus(value: unknown): StatusObject {
  const complaints = checkFields(value, '');
  if ((value as { schema?: unknown } | null)?.schema !== 1) complaints.push('schema is not 1');
  const states = ['starting', 'connected', 'stale', 'failed'];
  if (!states.includes(String((value as StatusObject | null)?.state))) complaints.push('state');
  if (complaints.length > 0) {
    throw new Error(`${complaints.join('; ')} in ${JSON.stringify(value)}`);
  }
  return value as StatusObject;
}

function checkFields(value: unknown, prefix: string): string[] {
  if (typeof value !== 'object' || value === null) return [`${prefix || 'it'} is no object`];
  const known = Object.keys(STATUS_FIELDS).filter(
    (path) => path.startsWith(prefix) && !/[.[]/.test(path.slice(prefix.length)),
  );
  const given = Object.entries(value);
  const unknown = given.map(([key]) => `${prefix}${key}`).filter((path) => !known.includes(path));
  const fields = new Map<string, unknown>(given.map(([key, field]) => [`${prefix}${key}`, field]));
  return [
    ...unknown.map((path) => `${path} is not documented`),
    ...known.flatMap((path) =>
      fields.has(path) ? checkField(fields.get(path), path) : [`${path} is missing`],
    ),
  ];
}

function checkField(value: unknown, path: string): string[] {
  const type = STATUS_FIELDS[path];
  if (type.startsWith('?') && value === null) return [];
  switch (type.replace('?', '')) {
    case 'object':
      return checkFields(value, `${path}.`);
    case 'objects':
      return Array.isArray(value)
        ? value.flatMap((element) => checkFields(element, `${path}[].`))
        : [`${path} is no array`];
    case 'strings':
      return isArrayOf(value, 'string') ? [] : [`${path} is no array of strings`];
    case 'numbers':
      return isArrayOf(value, 'number') ? [] : [`${path} is no array of numbers`];
    case 'numbers by name':
      return isMapOf(value, 'number') ? [] : [`${path} is no map of numbers`];
    case 'strings by name':
      return isMapOf(value, 'string') ? [] : [`${path} is no map of strings`];
    default:
      return typeof value === type.replace('?', '') ? [] : [`${path} is no ${type}`];
  }
}

function isArrayOf(value: unknown, type: string): boolean {
  return Array.isArray(value) && value.every((element) => typeof element === type);
}

function isMapOf(value: unknown, type: string): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((element) => typeof element === type);
}
