import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { runInProcess } from '../cli/in-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

export interface Checked {
  readonly code: number;
  readonly lines: readonly string[];
}

/**
 * What `vcon-otel validate` says of a configuration.
 * @param config YAML, or what it is made of
 * @param files beside it, by their paths
 */
export async function validated(
  config: string | object,
  files: Record<string, string> = {},
): Promise<Checked> {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const file = join(folder, 'vcon-otel.yaml');
  writeFileSync(file, typeof config === 'string' ? config : stringify(config));
  const { code, stdout } = await runInProcess(['validate', file], { cwd: folder });
  return { code: code ?? 0, lines: stdout.trimEnd().split('\n') };
}
