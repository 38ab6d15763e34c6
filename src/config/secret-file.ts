import { readFileSync, statSync } from 'node:fs';
import { errorType } from '../model/error.ts';

/** Bytes: far more than any key has. */
const MAX_SIZE = 64 * 1024;

/**
 * Reads a secret from a file, as Docker and Kubernetes provide it: UTF-8, a regular file, at most 64 KiB. A final line end
 * belongs to the editor, not to the secret. A fault does not name the file, because paths are values.
 */
export function readSecretFile(path: string): { readonly text: string; readonly fault?: string } {
  try {
    const status = statSync(path);
    // A pipe or device may never end.
    if (!status.isFile()) return { text: '', fault: 'names something that is not a file' };
    if (status.size > MAX_SIZE) return { text: '', fault: `names a file of more than ${MAX_SIZE} bytes` };
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    return { text: text.replace(/\r?\n$/, '') };
  } catch (error) {
    return { text: '', fault: `names a file that cannot be read (${errorType(error)})` };
  }
}
