import { appendFile } from 'node:fs/promises';
import { DeliveryError, defineExporter } from 'vcon-otel';
import { z } from 'zod';

/** Writes a line of CSV for every span: its name, when it began, how many milliseconds it took, and whether it failed. */
export default defineExporter({
  options: z.strictObject({ path: z.string().min(1) }),
  create: ({ path }) => ({
    spans: {
      export(spans, done) {
        const lines = spans.map(({ name, startTime, duration, status }) => {
          const [seconds, nanoseconds] = duration;
          const began = new Date(startTime[0] * 1e3 + startTime[1] / 1e6).toISOString();
          return `${name},${began},${seconds * 1e3 + nanoseconds / 1e6},${status.code === 2 ? 'failed' : 'ok'}\n`;
        });
        appendFile(path, lines.join('')).then(
          // 0: the spans are exported.
          () => done({ code: 0 }),
          // 1: they are not. With a DeliveryError they will come again; a disk that is full has room again one day.
          (cause) => done({ code: 1, error: new DeliveryError('the file cannot be written', { cause }) }),
        );
      },
      shutdown: async () => {},
    },
  }),
  describe: ({ path }) => [`spans as CSV to ${path}`],
});
