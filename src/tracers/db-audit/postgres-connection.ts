import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Client } from 'pg';
import { withDeadline } from '../../model/deadline.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import type { PostgresTarget } from './options.ts';

/** Milliseconds for a connection, and for a statement. Well below the deadline that the bridge has for a call. */
const TIMEOUT = 10_000;
/** Milliseconds that closing a connection may take. */
const END_TIMEOUT = 1_000;

/** A connection, which may be lost at any time. */
export interface PostgresConnection {
  readonly client: Client;
  readonly socket: Socket;
  isLost: boolean;
}

/**
 * Connects to a server.
 * @param certificates PEM, if they are not Node's own
 * @param timeout milliseconds for the connection, and for each statement
 */
export async function connectToPostgres(
  target: PostgresTarget,
  certificates: string | undefined,
  timeout = TIMEOUT,
): Promise<PostgresConnection> {
  const { Client } = await import('pg');
  const { host, port, database, user, password, ssl } = target;
  const socket = new Socket();
  const client = new Client({
    host,
    port,
    database,
    user,
    // A function, so that neither PGPASSWORD nor ~/.pgpass is read if there is none.
    password: () => password,
    ssl: ssl && { rejectUnauthorized: true, ...(certificates ? { ca: certificates } : {}) },
    stream: () => socket,
    application_name: 'vcon-otel',
    keepAlive: true,
    connectionTimeoutMillis: timeout,
    query_timeout: timeout,
  });
  const connection: PostgresConnection = { client, socket, isLost: false };
  // Also emitted between two statements; without a listener it would end the process.
  client.on('error', () => {
    connection.isLost = true;
  });
  try {
    await client.connect();
    return connection;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Releases a connection. Never rejects; a server that does not answer is abandoned. */
export async function end({ client, socket }: PostgresConnection): Promise<void> {
  try {
    await withDeadline(client.end(), END_TIMEOUT, 'closing a connection');
  } catch {
    // It is cut below.
  }
  socket.destroy();
}

/**
 * The certificates that `ssl_ca_file` names.
 * @param name the tracer's, for errors
 * @throws VconOtelError `FILE_UNUSABLE`
 */
export function readCertificates({ ssl_ca_file }: PostgresTarget, name: string): string | undefined {
  if (ssl_ca_file === undefined) return undefined;
  const path = `tracers.${name}.options.ssl_ca_file`;
  try {
    return readFileSync(ssl_ca_file, 'utf8');
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `${path}: cannot read this file: ${errorType(cause)}`, {
      path,
      cause,
    });
  }
}
