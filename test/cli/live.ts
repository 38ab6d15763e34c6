import { stripVTControlCharacters } from 'node:util';
import { onTestFinished } from 'vitest';
import { type ConfigInput, parseConfig } from '../../src/config/load-config.ts';
import { traceChain } from '../../src/index.ts';
import { startService } from '../../src/service/service.ts';
import { freePort } from '../support/server.ts';

/** A vCon that passes chains. */
export const UUID = '0191e5a0-7c4f-8f6e-8b6a-3c1d2e4f5a6b';

/** A service with an admin server that can be stopped, and started again at the same place. */
export async function startLiveService(
  admin: NonNullable<ConfigInput['admin']> = {},
  config: ConfigInput = {},
) {
  const port = await freePort();
  const start = () =>
    startService(parseConfig({ log_level: 'error', ...config, admin: { port, ...admin } }, {}));
  let service = await start();
  onTestFinished(() => service.shutdown());
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => service.shutdown(),
    async again() {
      service = await start();
    },
  };
}

/** A run of one link that goes on until it is told to end: under a uuid, halted (`false`), or with an error. */
export function beginRun(chain: string, vcon = UUID) {
  const end = Promise.withResolvers<string | false>();
  const ended = traceChain({ name: chain, links: ['tag'] }, vcon, (run) =>
    run.link('tag', () => end.promise),
  ).catch(() => undefined);
  return {
    async end(next: string | false | Error = vcon) {
      if (next instanceof Error) end.reject(next);
      else end.resolve(next);
      await ended;
    },
  };
}

/** The lines of a screen after all that was written: what is drawn in place, and cleared. */
export function screenOf(output: string): string[] {
  let lines: string[] = [];
  for (const [all, row, line] of output.matchAll(WRITTEN)) {
    if (all === `${ESC}[?1049l`) break;
    if (row === undefined) lines = [];
    else if (line === undefined) lines = lines.slice(0, Number(row) - 1);
    else lines[Number(row) - 1] = stripVTControlCharacters(line);
  }
  return [...lines].map((line) => line ?? '');
}

const ESC = String.fromCharCode(27);
const WRITTEN = new RegExp(
  `${ESC}\\[(\\d+);1H(?:${ESC}\\[J|([\\s\\S]*?)${ESC}\\[K)|${ESC}\\[2J|${ESC}\\[\\?1049[hl]`,
  'g',
);
