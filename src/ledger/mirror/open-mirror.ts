import { DirectoryPlace } from './directory-place.ts';
import type { MirrorPlace } from './place.ts';

/** Where a second copy is kept, as a configuration says it. */
export interface MirrorOptions {
  readonly type: 'directory';
  /** An existing directory. */
  readonly path: string;
}

/** The place that a configuration names. Nothing is written, and nobody asked, yet. */
export function openMirror({ path }: MirrorOptions): MirrorPlace {
  return new DirectoryPlace(path);
}
