import { readFile } from 'node:fs/promises';
import { createSecureContext, type TlsOptions } from 'node:tls';
import { errorType, VconOtelError } from '../model/error.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** If given, only clients with a certificate from this authority are served. */
  readonly clientCa?: string | undefined;
}

/**
 * Reads what a TLS server needs.
 * @param path of the section that names the files
 * @throws VconOtelError `FILE_UNUSABLE`
 */
export async function readTls({ cert, key, clientCa }: TlsFiles, path: string): Promise<TlsOptions> {
  const options = {
    cert: await read(`${path}.cert`, cert),
    key: await read(`${path}.key`, key),
    ...(clientCa && {
      ca: await read(`${path}.client_ca`, clientCa),
      requestCert: true,
      rejectUnauthorized: true,
    }),
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new VconOtelError(
      'FILE_UNUSABLE',
      `${path}: the certificate and the key cannot be used: ${errorType(cause)}`,
      { path, cause },
    );
  }
  return options;
}

async function read(option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `${option}: ${path} cannot be read: ${errorType(cause)}`, {
      path: option,
      cause,
    });
  }
}
