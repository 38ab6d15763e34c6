import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { PageAnswer } from '../incoming/small-server.ts';

/** A file as it is sent. */
interface StaticFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly packed: Buffer;
  readonly etag: string;
}

/** What the page consists of, by path: our own files, and the two libraries that they import. Read once, when somebody first asks. */
export class StaticFiles {
  #files: Promise<ReadonlyMap<string, StaticFile>> | undefined;
  #policy = '';

  /** Undefined where there is no such file. */
  async answer(path: string, { headers }: IncomingMessage): Promise<PageAnswer | undefined> {
    this.#files ??= this.#read();
    const file = (await this.#files).get(path);
    if (!file) return undefined;
    const { type, plain, packed, etag } = file;
    const known = { etag, 'cache-control': 'no-cache', vary: 'accept-encoding', ...this.#guards() };
    if (headers['if-none-match'] === etag) return { status: 304, type, body: '', headers: known };
    if (!/\bgzip\b/.test(String(headers['accept-encoding'] ?? '')))
      return { status: 200, type, body: plain, headers: known };
    return { status: 200, type, body: packed, headers: { ...known, 'content-encoding': 'gzip' } };
  }

  #guards(): Readonly<Record<string, string>> {
    return {
      'content-security-policy': this.#policy,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    };
  }

  async #read(): Promise<ReadonlyMap<string, StaticFile>> {
    const names = await readdir(ASSETS, { recursive: true });
    const own = names.filter((name) => extname(name) in TYPES).map((name) => [name, join(ASSETS, name)]);
    const all = [...own, ...Object.entries(libraries())] as [name: string, path: string][];
    const files = await Promise.all(all.map(async ([name, path]) => [name, await fileOf(path)] as const));
    const index = files.find(([name]) => name === INDEX)?.[1];
    this.#policy = policyOf(index?.plain.toString() ?? '');
    return new Map(files.map(([name, file]) => [name === INDEX ? '/' : `/page/${name}`, file]));
  }
}

const ASSETS = fileURLToPath(new URL('./assets/', import.meta.url));
const INDEX = 'index.html';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The modules of the packages, as their authors have built them. */
function libraries(): Readonly<Record<string, string>> {
  const { resolve } = createRequire(import.meta.url);
  return {
    'lib/preact.js': resolve('preact'),
    'lib/preact-hooks.js': resolve('preact/hooks'),
    'lib/htm.js': join(dirname(resolve('htm')), 'htm.module.js'),
  };
}

async function fileOf(path: string): Promise<StaticFile> {
  const plain = await readFile(path);
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  return {
    type: TYPES[extname(path)] ?? '',
    plain,
    packed: await promisify(gzip)(plain, { level: 9 }),
    etag,
  };
}

/** Nothing comes from elsewhere, and no script is in the page itself but the import map, which is told by its hash. */
function policyOf(index: string): string {
  const [, map = ''] = /<script type="importmap">([\s\S]*?)<\/script>/.exec(index) ?? [];
  const hash = createHash('sha256').update(map).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
