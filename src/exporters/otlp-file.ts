import { z } from 'zod';
import { ok, problem } from '../model/finding.ts';
import { text } from '../model/options/values.ts';
import { fileObstacle } from '../persistence/obstacle.ts';
import { linesWith, replaceInFile } from '../persistence/replace-text.ts';
import { defineBuiltInExporter } from './built-in-exporter.ts';

/** Writes spans to a file, as OTLP JSON lines. */
export default defineBuiltInExporter({
  options: z.strictObject({ path: text }),
  async create(options) {
    const { otlpFileExporter } = await import('./otlp-file/otlp-file-exporter.ts');
    return { spans: otlpFileExporter(options) };
  },
  async probe({ path }) {
    const obstacle = fileObstacle(path);
    if (obstacle === undefined) return [ok(`${path} can be written`)];
    return [problem(`${path} cannot be written (${obstacle})`, 'name a file that the service can write')];
  },
  files: ({ path }) => [path],
  erasure: {
    mentions: async ({ path }, { spellings }) => [{ what: 'lines', count: await linesWith(path, spellings) }],
    erase: ({ path }, { spellings }, pseudonym) => replaceInFile(path, spellings, pseudonym),
  },
  describe: ({ path }) => [`OTLP traces to the file ${path}`],
});
