import { VconOtelError } from '../../model/error.ts';

/** A bucket of an S3-compatible store, as a configuration names it. */
export interface S3Options {
  readonly bucket: string;
  /** What all names in the bucket begin with. */
  readonly prefix?: string | undefined;
  readonly region?: string | undefined;
  /** The store's URL, if it is not AWS's. */
  readonly endpoint?: string | undefined;
  /** Absent: as AWS's SDK finds them, in the environment, a profile, or the role of the machine. */
  readonly access_key_id?: string | undefined;
  readonly secret_access_key?: string | undefined;
  /** Of the files in `~/.aws`. */
  readonly profile?: string | undefined;
  /** For how many days nobody can delete what was written; the bucket must have Object Lock. */
  readonly object_lock?: { readonly mode: 'governance' | 'compliance'; readonly days: number } | undefined;
}

/** What a command is told instead: `s3://bucket/prefix?region=…&endpoint=…&profile=…`. @throws VconOtelError `OPTIONS_INVALID` */
export function s3OptionsOf(url: string): S3Options {
  const { host: bucket = '', pathname = '', searchParams } = URL.parse(url) ?? {};
  const { region, endpoint, profile, ...others } = Object.fromEntries(searchParams ?? []);
  if (bucket === '' || Object.keys(others).length > 0)
    throw new VconOtelError(
      'OPTIONS_INVALID',
      'a mirror in S3 is s3://bucket/prefix, after it ?region=…&endpoint=…&profile=… as far as needed; keys come from the environment or the profile',
    );
  return { bucket, prefix: decodeURIComponent(pathname.slice(1)), region, endpoint, profile };
}

/** What is to be installed for it; undefined if it is there. */
export function lackingForS3(): string | undefined {
  try {
    import.meta.resolve(PACKAGE);
    return undefined;
  } catch {
    return `a mirror in S3 needs the package ${PACKAGE}, which was left out (--omit=optional): npm install ${PACKAGE}`;
  }
}

const PACKAGE = '@aws-sdk/client-s3';
