import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** What to install, for `describeWith`; undefined where openssl is there. */
export function missingOpenssl(): string | undefined {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no openssl';
  }
}

/** PEM files of a certificate for localhost that signs itself, and of its key; they go after the tests of the block. */
export function selfSigned(): Readonly<Record<'folder' | 'cert' | 'key', string>> {
  const folder = mkdtempSync(join(tmpdir(), 'vcon-otel-tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const asked = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost';
  const names = '-addext subjectAltName=DNS:localhost,IP:127.0.0.1';
  execFileSync('openssl', `req -x509 ${asked} ${names} -keyout ${key} -out ${cert}`.split(' '), {
    stdio: 'ignore',
  });
  return { folder, cert, key };
}
