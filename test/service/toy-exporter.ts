import { appendFileSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { MetricReader } from '@opentelemetry/sdk-metrics';
import { defineExporter } from 'vcon-otel';
import { z } from 'zod';

/** Keeps what it is told of, and nothing more. */
class SilentReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** An exporter as somebody else may write it: the names of spans, a line each, and what became of it. */
export default defineExporter({
  options: z.strictObject({
    path: z.string().min(1),
    api_key: z.string().default(''),
    fails: z.boolean().default(false),
  }),
  create: async ({ path, api_key, fails }, { name }) => {
    await Promise.resolve();
    const note = (line: string) => appendFileSync(path, `${line}\n`);
    if (fails) throw new RangeError(`with ${api_key}`);
    note(`made ${name}`);
    return {
      spans: {
        export(spans, done) {
          for (const span of spans) note(span.name);
          done({ code: 0 });
        },
        shutdown: async () => note('shut down'),
      },
      metrics: new SilentReader(),
      scrapeUrl: 'http://127.0.0.1:1/toy',
      close: async () => note('closed'),
    };
  },
  probe: async ({ path }, { name, timeout }) => {
    const place = dirname(path);
    if (!existsSync(place)) return [{ state: 'fault', text: `${name} finds no ${place}`, advice: 'make it' }];
    return [{ state: 'ok', text: `${name} can write in less than ${timeout} ms` }];
  },
  describe: ({ path }) => [`toy spans to ${path}`],
});
