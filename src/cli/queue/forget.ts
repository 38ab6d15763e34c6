import { loadConfig } from '../../config/load-config.ts';
import { forgetSpans, keptSpans } from '../../exporters/span-log/kept-spans.ts';
import type { JournalAdmin } from '../../journal/admin.ts';
import { VconOtelError } from '../../model/error.ts';
import { exporterOfPlace, placeOfExporter, placesOf } from '../../service/places.ts';
import type { JournalPlace } from '../arguments.ts';
import { handOverToAll } from '../operator.ts';
import { cleanText, print, safeJson } from '../timeline/index.ts';
import type { QueueSettings } from './queue-settings.ts';

/** What is forgotten, and how. */
export interface ForgetOptions extends JournalPlace {
  readonly json?: true;
  readonly actor?: string;
  /** Otherwise it is only said what would be removed. */
  readonly yes?: true;
}

/** What a place holds. */
interface Held {
  readonly events: number;
  readonly deadLetters: number;
  readonly spans: number;
}

/**
 * Removes the place of a tracer or an exporter that the configuration lacks.
 * @param name of a tracer, or `exporters.NAME`
 * @throws VconOtelError `OPTIONS_INVALID` for one that is configured, may be, or has no place
 */
export async function forgetPlace(
  name: string,
  options: ForgetOptions,
  { stdout, stderr, withJournal }: QueueSettings,
): Promise<void> {
  await withJournal(options, async (journal) => {
    await requireUnused(name, options, journal);
    const held = await heldBy(name, journal);
    const { events, deadLetters, spans } = held;
    if (options.yes) {
      if (events + deadLetters > 0) {
        const deed = { event: 'events_skipped', tracer: name, events: events + deadLetters } as const;
        await handOverToAll(options, deed, options.actor, stderr);
      }
      if ((await journal.tracers()).includes(name)) await journal.forget(name);
      const exporter = exporterOfPlace(name);
      if (exporter !== undefined) await forgetSpans(journal.beside, exporter);
    }
    const forgotten = options.yes === true;
    if (options.json) {
      const record = { name, forgotten, events, dead_letters: deadLetters, spans };
      return print(stdout, [`${safeJson(record)}\n`]);
    }
    await print(stdout, [
      `${forgotten ? 'Forgotten' : 'Would forget'}: ${cleanText(name)}, ${textOf(held)}\n`,
    ]);
    if (!forgotten) stderr.write('Nothing was removed: --yes does it.\n');
  });
}

/** What a configured tracer has yet to hear must not be lost by a slip. @throws VconOtelError `OPTIONS_INVALID` */
async function requireUnused(
  name: string,
  { config: file }: JournalPlace,
  journal: JournalAdmin,
): Promise<void> {
  const refuse = (text: string): never => {
    throw new VconOtelError('OPTIONS_INVALID', text, { path: 'queue forget' });
  };
  if (file === undefined) {
    if (!(await journal.isServed())) return;
    refuse('a service has the journal open: name its configuration (--config), which says what is in use');
  } else if (placesOf(await loadConfig(file)).has(name))
    refuse(`${cleanText(name)} is configured in ${file}: its place is in use as long as it is there`);
}

async function heldBy(name: string, journal: JournalAdmin): Promise<Held> {
  const tracers = await journal.tracers();
  const kept = await keptSpans(journal.beside);
  const spans = kept.find(({ exporter }) => placeOfExporter(exporter) === name);
  if (!tracers.includes(name) && !spans) {
    const places = new Set([...tracers, ...kept.map(({ exporter }) => placeOfExporter(exporter))]);
    const known = [...places].map(cleanText).join(', ') || 'none';
    throw new VconOtelError(
      'OPTIONS_INVALID',
      `the journal has no place of ${cleanText(name)}; it has ${known}`,
    );
  }
  const { depth = 0, deadLetters = 0 } = tracers.includes(name) ? await journal.stats(name) : {};
  return { events: depth, deadLetters, spans: spans?.spans ?? 0 };
}

function textOf({ events, deadLetters, spans }: Held): string {
  return [
    `with ${counted(events, 'event')} to hear`,
    ...(spans > 0 ? [counted(spans, 'span to send', 'spans to send')] : []),
    counted(deadLetters, 'dead letter'),
  ].join(', ');
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
