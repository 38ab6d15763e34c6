import { readFile, stat } from 'node:fs/promises';
import { errorType } from '../model/error.ts';
import { ConfigError } from './config-error.ts';

/**
 * Reads a configuration file: UTF-8, a regular file, at most 1 MiB.
 * @throws ConfigError `CONFIG_UNREADABLE`, naming the file and why
 */
export async function readConfigText(file: string): Promise<string> {
  try {
    const status = await stat(file);
    // A pipe or device may never come to an end.
    if (!status.isFile()) throw unreadable(file, 'is not a file');
    if (status.size > MAX_BYTES) throw unreadable(file, `is larger than ${MAX_BYTES} bytes`);
    const bytes = await readFile(file, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
    return decode(file, bytes);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw unreadable(file, `cannot be read (${errorType(error)})`);
  }
}

const MAX_BYTES = 1024 * 1024;
const READ_TIMEOUT_MS = 10_000;

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(file, 'is not UTF-8 text');
  }
}

function unreadable(file: string, message: string): ConfigError {
  return new ConfigError('CONFIG_UNREADABLE', [{ path: file, message }]);
}
