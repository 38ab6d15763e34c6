import { VconOtelError } from '../../model/error.ts';
import { makeFolder } from '../../persistence/make-folder.ts';

/** Makes the folder of a demo, unless it is there. @throws VconOtelError `FILE_UNUSABLE` */
export function makeDemoFolder(path: string): void {
  try {
    makeFolder(path);
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `the folder ${path} cannot be created`, { cause });
  }
}
