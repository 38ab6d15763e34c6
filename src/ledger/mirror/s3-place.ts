import type { S3Client } from '@aws-sdk/client-s3';
import { HISTORY_FILE } from '../directory.ts';
import { SEGMENTS_FOLDER } from '../log/segments.ts';
import { fullPath } from '../proof/tile.ts';
import { inOrder, type Part, partKey, partOf, partsFolder, toFold } from './parts.ts';
import type { MirrorFile, MirrorPlace } from './place.ts';
import type { S3Options } from './s3-options.ts';

type Library = typeof import('@aws-sdk/client-s3');

/**
 * A second copy in a bucket of an S3-compatible store. What is there for good – parts of growing files, full tiles – is written on the condition that
 * nothing is there. With `object_lock` each version is kept for so many days, whoever asks to delete it.
 */
export class S3Place implements MirrorPlace {
  readonly name: string;
  readonly #options: S3Options;
  readonly #prefix: string;
  readonly #ending = new AbortController();
  #opened: Promise<{ readonly s3: Library; readonly client: S3Client }> | undefined;
  /** Parts of growing files, as far as they are known; forgotten with every failure. */
  readonly #parts = new Map<string, readonly Part[]>();

  constructor(options: S3Options) {
    this.#options = options;
    const { bucket, prefix = '' } = options;
    this.#prefix = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
    this.name = `s3://${bucket}/${this.#prefix}`;
  }

  async list(folder: string): Promise<Map<string, number>> {
    // Whoever lists looks anew.
    this.#parts.clear();
    const found = new Map<string, number>();
    const parts = new Map<string, Part[]>();
    for await (const { key, size } of this.#objects(folder === '' ? '' : `${folder}/`)) {
      const one = partOf(key);
      if (one) parts.set(one.file, [...(parts.get(one.file) ?? []), one.part]);
      else found.set(key, size);
    }
    for (const [file, all] of parts) {
      const chosen = inOrder(all);
      this.#parts.set(file, chosen);
      found.set(file, chosen.at(-1)?.end ?? 0);
    }
    return found;
  }

  async read(name: string, from = 0, length = Number.MAX_SAFE_INTEGER): Promise<Buffer | undefined> {
    if (!isGrowing(name)) return this.#get(name, from, length);
    const wanted = (await this.#partsOf(name)).filter((part) => part.end > from && part.from < from + length);
    const first = wanted[0];
    if (!first) return (await this.#partsOf(name)).length > 0 ? Buffer.alloc(0) : undefined;
    const pieces = await inTurns(wanted, (part) => this.#get(partKey(name, part)));
    const whole = Buffer.concat(pieces.map((piece) => piece ?? Buffer.alloc(0)));
    return whole.subarray(from - first.from, from - first.from + length);
  }

  async append(name: string, from: number, data: Uint8Array): Promise<void> {
    try {
      const parts = await this.#partsOf(name);
      const kept = parts.filter(({ end }) => end <= from);
      if ((kept.at(-1)?.end ?? 0) !== from) throw new Error('the file of the mirror has become shorter');
      // What a copy that was broken off has left.
      await this.#delete(parts.slice(kept.length).map((part) => partKey(name, part)));
      this.#parts.set(name, kept);
      if (data.length === 0) return;
      const part = { from, end: from + data.length };
      await this.#put(partKey(name, part), data, 'once');
      const now = [...kept, part];
      this.#parts.set(name, now);
      await this.#fold(name, now);
    } catch (error) {
      this.#parts.delete(name);
      throw error;
    }
  }

  async put(files: readonly MirrorFile[]): Promise<void> {
    await inTurns(files, ({ name, data }) =>
      this.#put(name, data, name.startsWith('tile/') && name === fullPath(name) ? 'once' : 'anew'),
    );
  }

  async remove(name: string): Promise<void> {
    const keys: string[] = [];
    for await (const { key } of this.#objects(name))
      if (key === name || key.startsWith(`${name}/`) || key.startsWith(partsFolder(name))) keys.push(key);
    await this.#delete(keys);
    this.#parts.delete(name);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    const opened = await this.#opened?.catch(() => undefined);
    opened?.client.destroy();
  }

  /** Small parts become one, which counts as soon as it is there. */
  async #fold(name: string, parts: readonly Part[]): Promise<void> {
    const small = toFold(parts);
    const [first, last] = [small[0], small.at(-1)];
    if (!first || !last) return;
    const pieces = await inTurns(small, (part) => this.#get(partKey(name, part)));
    const data = Buffer.concat(pieces.map((piece) => piece ?? Buffer.alloc(0)));
    const whole = { from: first.from, end: last.end };
    if (data.length !== whole.end - whole.from) throw new Error('a part of the mirror is another');
    await this.#put(partKey(name, whole), data, 'once');
    await this.#delete(small.map((part) => partKey(name, part)));
    this.#parts.set(name, [...parts.slice(0, parts.length - small.length), whole]);
  }

  async #partsOf(name: string): Promise<readonly Part[]> {
    const known = this.#parts.get(name);
    if (known) return known;
    const found: Part[] = [];
    for await (const { key } of this.#objects(partsFolder(name))) {
      const one = partOf(key);
      if (one) found.push(one.part);
    }
    const chosen = inOrder(found);
    this.#parts.set(name, chosen);
    return chosen;
  }

  /** Objects whose names begin like this, without the place's own prefix. */
  async *#objects(beginning: string): AsyncGenerator<{ readonly key: string; readonly size: number }> {
    const { s3, client } = await this.#open();
    const where = { Bucket: this.#options.bucket, Prefix: this.#prefix + beginning };
    for (let after: string | undefined; ; ) {
      const command = new s3.ListObjectsV2Command({ ...where, ...(after && { ContinuationToken: after }) });
      const {
        Contents = [],
        IsTruncated,
        NextContinuationToken,
      } = await client.send(command, this.#inTime());
      for (const { Key = '', Size = 0 } of Contents)
        yield { key: Key.slice(this.#prefix.length), size: Size };
      if (!IsTruncated || NextContinuationToken === undefined) return;
      after = NextContinuationToken;
    }
  }

  async #get(name: string, from = 0, length = Number.MAX_SAFE_INTEGER): Promise<Buffer | undefined> {
    const { s3, client } = await this.#open();
    try {
      const { Body } = await client.send(
        new s3.GetObjectCommand({ Bucket: this.#options.bucket, Key: this.#prefix + name }),
        this.#inTime(),
      );
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
      return bytes.subarray(from, from + length);
    } catch (error) {
      if ((error as Error).name === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  /** @param how `once`: what is there already must be the same */
  async #put(name: string, data: Uint8Array, how: 'once' | 'anew'): Promise<void> {
    const { s3, client } = await this.#open();
    const command = new s3.PutObjectCommand({
      Bucket: this.#options.bucket,
      Key: this.#prefix + name,
      Body: data,
      ...(how === 'once' && { IfNoneMatch: '*' }),
      ...this.#locked(name),
    });
    try {
      await client.send(command, this.#inTime());
    } catch (error) {
      if (how === 'anew' || (error as Error).name !== 'PreconditionFailed') throw error;
      const there = await this.#get(name);
      if (!there?.equals(data)) throw new Error(`${name} is another in the mirror`, { cause: error });
    }
  }

  /** Partial tiles are soon replaced, and follow from the records. */
  #locked(name: string) {
    const { object_lock } = this.#options;
    if (!object_lock || name.includes('.p/')) return {};
    const mode = object_lock.mode === 'compliance' ? ('COMPLIANCE' as const) : ('GOVERNANCE' as const);
    const until = new Date(Date.now() + object_lock.days * 86_400_000);
    return { ObjectLockMode: mode, ObjectLockRetainUntilDate: until };
  }

  async #delete(names: readonly string[]): Promise<void> {
    const { s3, client } = await this.#open();
    await inTurns(names, (name) =>
      client.send(
        new s3.DeleteObjectCommand({ Bucket: this.#options.bucket, Key: this.#prefix + name }),
        this.#inTime(),
      ),
    );
  }

  #inTime() {
    return { abortSignal: AbortSignal.any([this.#ending.signal, AbortSignal.timeout(TIMEOUT)]) };
  }

  async #open() {
    this.#opened ??= connect(this.#options);
    try {
      return await this.#opened;
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }
}

async function connect({ region, endpoint, access_key_id, secret_access_key, profile }: S3Options) {
  const s3 = await import('@aws-sdk/client-s3');
  const client = new s3.S3Client({
    // What is not given is found as every program of AWS's SDK finds it: environment, profile, role of the machine.
    ...(region !== undefined && { region }),
    ...(profile !== undefined && { profile }),
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(access_key_id !== undefined &&
      secret_access_key !== undefined && {
        credentials: { accessKeyId: access_key_id, secretAccessKey: secret_access_key },
      }),
    requestHandler: { connectionTimeout: CONNECT, requestTimeout: TIMEOUT },
  });
  return { s3, client };
}

/** Segments, and the history of checkpoints. */
function isGrowing(name: string): boolean {
  return name === HISTORY_FILE || name.startsWith(`${SEGMENTS_FOLDER}/`);
}

/** Does something with each of many, some at a time. */
async function inTurns<One, Made>(all: readonly One[], work: (one: One) => Promise<Made>): Promise<Made[]> {
  const made: Made[] = [];
  for (let i = 0; i < all.length; i += AT_ONCE)
    made.push(...(await Promise.all(all.slice(i, i + AT_ONCE).map(work))));
  return made;
}

/** Requests that may be under way at once. */
const AT_ONCE = 16;
/** Milliseconds for a connection, and for a request with all its repetitions. */
const CONNECT = 5_000;
const TIMEOUT = 60_000;
