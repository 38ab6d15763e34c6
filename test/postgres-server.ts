import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { afterUs } from './support/after-us.ts';
import { eventually } from './support/eventually.ts';
import { describeWith, freePort } from './support/server.ts';

/** A real PostgreSQL on the loopback interface, with its data in a temporary folder. */
export interface PostgresServer {
  readonly port: number;
  readonly database: string;
  /** Of its superuser `root`, for which the password is {@link PASSWORD}. */
  readonly url: string;
  /** Folder of its Unix socket. */
  readonly socket: string;
  /** Path of the certificate that it shows for `localhost`. */
  readonly certificate: string;
  /** Kills every process of it with SIGKILL, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again where it was killed, on the same port. */
  start(): Promise<void>;
  /** Runs one statement and answers with its rows. */
  query<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Kills it and removes what it kept. */
  remove(): Promise<void>;
}

export const PASSWORD = 'a password';

/** Tests that need a PostgreSQL. */
export function describeWithPostgres(name: string, body: () => void): void {
  describeWith('postgresql', installed ? undefined : MISSING, name, body);
}

/** As {@link startPostgresServer}, a database of one that all tests of this worker share: it is started once, and ends with the worker. */
export async function sharedPostgres(): Promise<PostgresServer> {
  shared ??= startPostgresServer().then((server) => {
    // It may have been started again meanwhile.
    afterUs('kill -9 "$(head -1 "$1/data/postmaster.pid")"; rm -rf "$1"', server.socket);
    return server;
  });
  const server = await shared;
  databases += 1;
  const database = `test_${databases}`;
  await server.query(`CREATE DATABASE ${database}`);
  const url = server.url.replace(/[^/]+$/, database);
  return { ...server, database, url, query: queryOn(url), remove: async () => {} };
}

let shared: Promise<PostgresServer> | undefined;
let databases = 0;

/** Makes a database cluster and starts it. It refuses to run as root: then it runs as the user of Debian's package. */
export async function startPostgresServer(): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'vcon-otel-postgres-'));
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  await mkdir(data);
  await writeFile(passwordFile, PASSWORD);
  const certificate = join(folder, 'server.crt');
  const key = join(folder, 'server.key');
  spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...[
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
  ]);
  await chmod(key, 0o600);
  await chmod(folder, 0o755);
  if (unprivileged)
    for (const path of [folder, data, key]) await chown(path, unprivileged.uid, unprivileged.gid);
  const made = spawnSync(
    program('initdb'),
    [
      ...['--pgdata', data, '--username', 'root', '--auth', 'scram-sha-256', '--pwfile', passwordFile],
      ...['--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
    ],
    { ...unprivileged, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  let running = await listening(folder, data, port);
  const url = `postgres://root:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`;
  return {
    port,
    database: 'postgres',
    url,
    socket: folder,
    certificate,
    kill: () => killed(running, data),
    start: async () => {
      running = await eventually('what was killed is gone', () =>
        listening(folder, data, port).catch((error: unknown) => {
          if (!String(error).includes(STILL_THERE)) throw error;
          return undefined;
        }),
      );
    },
    query: queryOn(url),
    remove: async () => {
      await killed(running, data);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function queryOn(url: string): PostgresServer['query'] {
  return async <Row extends object>(sql: string, values: unknown[] = []) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end();
    }
  };
}

/** What it says while processes of one that was killed have yet to end. */
const STILL_THERE = 'is still in use';
const MISSING = 'install the Debian package postgresql';
/** Debian keeps the programs of each version apart, and most of them out of the path. */
const DEBIAN = '/usr/lib/postgresql';
const folders = existsSync(DEBIAN)
  ? readdirSync(DEBIAN)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(DEBIAN, version, 'bin'))
  : [];
const installed = spawnSync(program('postgres'), ['--version'], { stdio: 'ignore' }).status === 0;
const unprivileged = process.getuid?.() === 0 ? userNamed('postgres') : undefined;

function program(name: string): string {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? name;
}

function userNamed(name: string): { uid: number; gid: number } | undefined {
  const ids = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout?.trim());
  const [uid, gid] = ids;
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

async function listening(folder: string, data: string, port: number): Promise<ChildProcess> {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    // What is tested is the death of processes, not of machines.
    fsync: 'off',
    ssl: 'on',
    ssl_cert_file: join(folder, 'server.crt'),
    ssl_key_file: join(folder, 'server.key'),
  };
  const child = spawn(
    program('postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    {
      ...unprivileged,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    },
  );
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  let said = '';
  for await (const line of createInterface({ input: child.stderr })) {
    said += `${line}\n`;
    if (line.includes('database system is ready to accept connections')) {
      child.stderr.resume();
      return child;
    }
  }
  throw new Error(`postgres did not start on port ${port}:\n${said}`);
}

/** The postmaster and its children: a child that lived on would keep the new one from starting. */
async function killed(child: ChildProcess, data: string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  const children = await childrenOf(child.pid ?? 0);
  child.kill('SIGKILL');
  await exit;
  for (const pid of children) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has noticed by itself that the postmaster is gone.
    }
  }
  await rm(join(data, 'postmaster.pid'), { force: true });
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}
