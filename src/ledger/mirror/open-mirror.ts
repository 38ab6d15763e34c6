import { VconOtelError } from '../../model/error.ts';
import { DirectoryPlace } from './directory-place.ts';
import type { MirrorPlace } from './place.ts';
import { lackingForS3, type S3Options } from './s3-options.ts';
import { S3Place } from './s3-place.ts';

/** Where a second copy is kept, as a configuration says it. */
export type MirrorOptions =
  | {
      readonly type: 'directory';
      /** An existing directory. */
      readonly path: string;
    }
  | ({ readonly type: 's3' } & S3Options);

/**
 * The place that a configuration names. Nothing is written, and nobody asked, yet.
 * @throws VconOtelError `OPTIONS_INVALID` where a package is missing
 */
export function openMirror(options: MirrorOptions): MirrorPlace {
  if (options.type === 'directory') return new DirectoryPlace(options.path);
  const lacking = lackingForS3();
  if (lacking !== undefined) throw new VconOtelError('OPTIONS_INVALID', lacking);
  return new S3Place(options);
}
