import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { loadWitnessConfig, type WitnessConfig } from '../config/witness-config.ts';
import { openDoors } from '../incoming/listening.ts';
import type { WatchedLog } from '../ledger/index.ts';
import { errorType, VconOtelError } from '../model/error.ts';

/** What the command needs of the process it runs in. */
export interface WitnessCommandSettings {
  readonly stdout: NodeJS.WritableStream;
  /** Resolves with the name of the signal that asks the process to end. */
  readonly signal: () => Promise<string>;
}

/**
 * `vcon-otel witness FILE`: cosigns the checkpoints of other people's ledgers (docs/ledger.md, Witnesses) until SIGTERM or Ctrl-C.
 * @throws VconOtelError from its action: `CONFIG_…`, `KEY_INVALID`, `FILE_UNUSABLE`, `ADDRESS_UNAVAILABLE`
 */
export function witnessCommand(settings: WitnessCommandSettings): Command {
  return new Command('witness')
    .description("cosign the checkpoints of other machines' ledgers, so that none can show two histories")
    .argument('<file>', 'the YAML file of the witness')
    .action(async (file: string) => witness(await loadWitnessConfig(file), settings));
}

async function witness(config: WitnessConfig, { stdout, signal }: WitnessCommandSettings): Promise<void> {
  const ending = signal();
  const { cosignerOf, startWitnessServer, Witness } = await import('../ledger/index.ts');
  const { createLog, sendDiagnosticsTo } = await import('../service/log.ts');
  const log = await createLog('info');
  sendDiagnosticsTo(log);
  for (const remark of openDoors(config)) log.warn(remark);
  const cosigner = cosignerOf(config.name, keyOf(config.key_file));
  const book = new Witness({
    directory: config.directory,
    cosigner,
    logs: await watchedLogs(config),
    notice: (kind, text) => log[kind === 'trouble' ? 'warn' : 'info'](text),
  });
  // Nothing that was started keeps the process alive.
  const alive = setInterval(() => undefined, 60_000);
  try {
    const server = await startWitnessServer(book, config, 'the witness');
    stdout.write(screenOf(server.url, cosigner.vkey, book.sizes()));
    const reason = await ending;
    stdout.write(`${reason}: ending\n`);
    await server.close();
  } finally {
    clearInterval(alive);
    await book.close();
  }
}

/** The private key. @throws VconOtelError `FILE_UNUSABLE` */
function keyOf(file: string): string {
  if (!existsSync(file))
    throw new VconOtelError(
      'FILE_UNUSABLE',
      `key_file: there is no ${file}: vcon-otel audit keygen --witness creates it`,
    );
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new VconOtelError('FILE_UNUSABLE', `key_file: ${file} cannot be read (${errorType(cause)})`, {
      cause,
    });
  }
}

/** Several keys of one origin are those of one log. */
async function watchedLogs({ logs }: WitnessConfig): Promise<WatchedLog[]> {
  const { parseVerifierKey } = await import('../ledger/index.ts');
  const verifiers = logs.map(({ key, origin }) => {
    const verifier = parseVerifierKey(key);
    return { origin: origin ?? verifier.name, verifier };
  });
  return [...Map.groupBy(verifiers, ({ origin }) => origin)].map(([origin, found]) => ({
    origin,
    verifiers: found.map(({ verifier }) => verifier),
  }));
}

function screenOf(
  url: string,
  vkey: string,
  sizes: readonly { readonly origin: string; readonly size: number }[],
): string {
  const rows = [
    ['witness', url],
    ['key', vkey],
    ...sizes.map(({ origin, size }, i) => [i === 0 ? 'logs' : '', `${origin}, ${size} records cosigned`]),
  ];
  const lines = rows.map(([title = '', text]) => `  ${title.padEnd(12)}${text}`);
  return `vcon-otel witness is running\n\n${lines.join('\n')}\n\nCtrl-C or SIGTERM ends it.\n`;
}
