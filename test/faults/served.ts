import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { type Child, type ChildSettings, type Ending, startChild } from './child.ts';
import { VCON_OTEL } from './command-line.ts';
import { require } from './fault.ts';
import type { FeedingMessage } from './feeding-tracer.ts';

/** What `/readyz` answers, as far as it is looked at here. */
export interface Readyz {
  readonly status: number;
  readonly troubles: readonly string[];
  readonly events: number;
  readonly journal: { readonly full: boolean; readonly failing: boolean };
  readonly tracers: Readonly<Record<string, { readonly [count: string]: number }>>;
  readonly issues: Readonly<Record<string, number>>;
}

/** What a `serve` tells: what its tracers do, where its health is, and at its end what of a tracer's it keeps. */
export type ServedMessage =
  | FeedingMessage
  | { readonly health: string }
  | { readonly kept: number; readonly of: string };

/** What of a configuration matters here. */
export interface ServedConfig {
  readonly journal: string;
  readonly retention?: string;
  /** Each is a `feeding-tracer.ts`; the first one feeds. */
  readonly tracers: Readonly<Record<string, { readonly options?: object; readonly delivery?: object }>>;
}

/** A real `vcon-otel serve` that runs, and whose tracers tell what they hear. */
export interface Served {
  readonly child: Child<ServedMessage>;
  /** Starts runs. */
  feed(): Promise<void>;
  /** Stops them. @returns how many there have been */
  stop(): Promise<number>;
  readyz(): Promise<Readyz>;
  /** Waits until every tracer has heard everything. @returns how it stands then */
  caughtUp(): Promise<Readyz>;
  /** Asks it to end. @throws Error unless it does, with exit code 0 */
  end(): Promise<Ending>;
}

/**
 * Starts one, from a configuration that it writes into a folder.
 * @throws Error if it does not start
 */
export async function startServed(
  folder: string,
  config: ServedConfig,
  settings: Omit<ChildSettings<ServedMessage>, 'read'> = {},
): Promise<Served> {
  const child = startChild<ServedMessage>(VCON_OTEL, ['serve', writeConfig(folder, config)], {
    ...settings,
    read,
  });
  const { health } = await child.until((message) => 'health' in message);
  const readyz = async (): Promise<Readyz> => {
    const response = await fetch(`${health}/readyz`, { signal: AbortSignal.timeout(300_000) });
    return { ...((await response.json()) as Readyz), status: response.status };
  };
  return {
    child,
    readyz,
    caughtUp: () =>
      eventually('every tracer has heard everything', async () => {
        const ready = await readyz();
        return Object.values(ready.tracers).every(({ pending }) => pending === 0) ? ready : undefined;
      }),
    feed: async () => {
      const feeding = child.next((message) => 'feeding' in message);
      child.kill('SIGUSR2');
      await feeding;
    },
    stop: async () => {
      const fed = child.next((message) => 'fed' in message);
      child.kill('SIGUSR2');
      return (await fed).fed;
    },
    end: async () => {
      child.kill('SIGTERM');
      const ending = await child.ended;
      const { code, signal, stderr } = ending;
      require(code === 0, () => `the service ended with ${code ?? signal}: ${stderr}`);
      return ending;
    },
  };
}

/** Reads what `serve` shows. */
function read(line: string): ServedMessage | undefined {
  const [, health] = /^ {2}health +(\S+)\/healthz/.exec(line) ?? [];
  if (health !== undefined) return { health };
  const [, of, kept] = /^ {2}(\w+): .* (\d+) kept for the next start$/.exec(line) ?? [];
  return of === undefined ? undefined : { of, kept: Number(kept) };
}

/** @returns the configuration's file */
export function writeConfig(folder: string, { journal, retention, tracers }: ServedConfig): string {
  const file = join(folder, 'serve.yml');
  const module = join(import.meta.dirname, 'feeding-tracer.ts');
  // They feed, and tell by signals and messages of the process.
  const [feeding] = Object.keys(tracers);
  const config = {
    log_level: 'warn',
    tracers: Object.fromEntries(
      Object.entries(tracers).map(([name, { options, delivery }]) => [
        name,
        {
          module,
          isolation: 'none',
          options: { feeds: name === feeding, ...options },
          ...(delivery && { delivery }),
        },
      ]),
    ),
    chains: { main: {} },
    journal: { type: 'sqlite', path: journal, ...(retention !== undefined && { retention }) },
    health: { port: 0 },
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  return file;
}
