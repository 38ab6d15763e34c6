import { z } from 'zod';
import { ENCODED_PASSWORD, hasBarePassword } from '../../model/options/url-password.ts';
import { matching } from '../../model/options/values.ts';

const text = z.string().min(1);

/**
 * A table's name, with a schema or not. Lower case, because PostgreSQL folds what is not quoted: a name has one spelling,
 * whoever writes it.
 */
const TABLE = /^(?:[a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,62}$/;

/** The options as they are written: the documented ones, and `url` in place of them. */
const written = z.strictObject({
  driver: z.enum(['postgres', 'sqlite']).optional(),
  url: text.optional(),
  host: text.optional(),
  port: z.int().min(1).max(65_535).optional(),
  database: text.optional(),
  user: text.optional(),
  password: z.string().optional(),
  ssl: z.boolean().default(false),
  ssl_ca_file: text.optional(),
  table: matching(
    TABLE,
    'lower-case letters, digits and _, such as vcon_events or audit.vcon_events',
  ).default('vcon_events'),
});
type Written = z.output<typeof written>;

/** A PostgreSQL server and how to get in. */
export interface PostgresTarget {
  readonly driver: 'postgres';
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly ssl: boolean;
  /** Path of certificates in PEM; Node's own where there is none. */
  readonly ssl_ca_file: string | undefined;
  /** May have a schema. Safe to stand in SQL once quoted. */
  readonly table: string;
}

/** A SQLite file. */
export interface SqliteTarget {
  readonly driver: 'sqlite';
  readonly path: string;
  readonly table: string;
}

/** What the tracer's options mean. */
export type Target = PostgresTarget | SqliteTarget;

/** The options of `tracers.db_audit`, checked, and read as one database or another. */
export const options = written.transform((given, context): Target => {
  const faults: Mismatch[] = [];
  const target = driverOf(given) === 'sqlite' ? sqliteTarget(given, faults) : postgresTarget(given, faults);
  for (const [key, expected] of faults)
    context.addIssue({ code: 'custom', path: [key], params: { expected }, input: given });
  return target;
});

type Mismatch = readonly [key: keyof Written, expected: string];

/** The database, and the user who writes to it, where nobody names them. */
const DOCUMENTED_NAME = 'audit';

/** The keys that only a server has. */
const SERVER_KEYS = ['host', 'port', 'user', 'password', 'ssl_ca_file'] as const;

/** Without a word about it, whatever names a server means PostgreSQL: the documented options do. */
function driverOf({ driver, url, ssl, ...given }: Written): 'postgres' | 'sqlite' {
  if (driver) return driver;
  if (url !== undefined) return url.startsWith('sqlite:') ? 'sqlite' : 'postgres';
  return ssl || SERVER_KEYS.some((key) => given[key] !== undefined) ? 'postgres' : 'sqlite';
}

function sqliteTarget(given: Written, faults: Mismatch[]): SqliteTarget {
  const { url, database, table } = given;
  for (const key of SERVER_KEYS) if (given[key] !== undefined) faults.push([key, 'a PostgreSQL database']);
  if (given.ssl) faults.push(['ssl', 'a PostgreSQL database']);
  if (table.includes('.')) faults.push(['table', 'a name without a schema']);
  if (table.startsWith('sqlite_')) faults.push(['table', 'a name that SQLite does not keep for itself']);
  if (url !== undefined && database !== undefined) faults.push(['database', 'no url beside it']);
  if (url !== undefined && !/^sqlite:./.test(url)) faults.push(['url', 'sqlite: and a path']);
  const path = database ?? url?.replace(/^sqlite:(?:\/\/(?=\/))?/, '') ?? './data/db-audit.db';
  return { driver: 'sqlite', path, table };
}

function postgresTarget(given: Written, faults: Mismatch[]): PostgresTarget {
  const { url, ssl, ssl_ca_file, table } = given;
  const named = url === undefined ? { ssl } : fromUrl(given, url, faults);
  const isUrl = url !== undefined;
  // Without a URL, the documented names stand for those that are not given.
  const defaults = isUrl ? {} : { database: DOCUMENTED_NAME, user: DOCUMENTED_NAME };
  const parts = { ...defaults, ...named, ...partsOf(given) };
  const { host = '127.0.0.1', port = 5432, database, user, password = '' } = parts;
  // A URL that cannot be read lacks everything.
  const isRead = !faults.some(([key]) => key === 'url');
  if (isRead && database === undefined) faults.push(['url', 'the name of a database']);
  if (isRead && user === undefined) faults.push(['url', 'the name of a user']);
  if (ssl_ca_file !== undefined && !named.ssl) faults.push(['ssl_ca_file', 'ssl: true beside it']);
  return {
    driver: 'postgres',
    host,
    port,
    database: database ?? '',
    user: user ?? '',
    password,
    ssl: named.ssl,
    ssl_ca_file,
    table,
  };
}

type Parts = { -readonly [Key in 'host' | 'database' | 'user' | 'password']?: string } & { port?: number };

function partsOf({ host, port, database, user, password }: Written): Parts {
  return Object.fromEntries(
    Object.entries({ host, port, database, user, password }).filter(([, value]) => value !== undefined),
  );
}

/** `postgres://user:password@host:port/database`, with `sslmode` as in libpq, but that a certificate is always verified. */
function fromUrl(given: Written, url: string, faults: Mismatch[]): Parts & { ssl: boolean } {
  for (const key of ['host', 'port', 'database', 'user'] as const)
    if (given[key] !== undefined) faults.push([key, 'no url beside it']);
  const read = URL.canParse(url) ? new URL(url) : undefined;
  const parts: Parts = {};
  try {
    if (hasBarePassword(url)) throw new Error('cut off within its password');
    if (!read || !/^postgres(?:ql)?:$/.test(read.protocol)) throw new Error('not a URL of a database');
    // The host may be the folder of a socket, with its slashes encoded.
    const [host, user, password] = [read.hostname, read.username, read.password].map(decodeURIComponent);
    const database = decodeURIComponent(read.pathname.slice(1));
    if (host) parts.host = host.replace(/^\[(.*)\]$/, '$1');
    if (user) parts.user = user;
    if (password) parts.password = password;
    if (database) parts.database = database;
    if (read.port) parts.port = Number(read.port);
  } catch {
    faults.push([
      'url',
      hasBarePassword(url) ? ENCODED_PASSWORD : 'postgres://user:password@host:port/database',
    ]);
    return { ssl: given.ssl };
  }
  const { sslmode, ...others } = Object.fromEntries(read.searchParams);
  if (Object.keys(others).length > 0) faults.push(['url', 'no parameter but sslmode']);
  if (sslmode !== undefined && !/^(disable|require|verify-ca|verify-full)$/.test(sslmode))
    faults.push(['url', 'sslmode disable, require, verify-ca or verify-full']);
  return { ...parts, ssl: given.ssl || (sslmode !== undefined && sslmode !== 'disable') };
}
