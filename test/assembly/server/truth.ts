import { type ChainEvent, eventName } from '../../../src/model/event.ts';
import { type TrueRun, trueRuns } from '../../support/captured-facts.ts';

/** The same run with whatever cannot be known left out. */
export function undecided(run: string): string {
  return run
    .replaceAll(/ (success|halt|unknown|complete|halted) $/gm, ' ? ')
    .replaceAll(/^storage_.*\n/gm, '');
}

/** Before its first tracer is called, a module that is named in `tracers:` alone hears nothing. */
const UNHEARD: Readonly<Record<string, number>> = { '25-tracers-only': 1 };

/** What truly happened in a recording, run by run. */
export function truthOf(recording: string): string[] {
  return trueRuns(recording).slice(UNHEARD[recording]).map(trueWords).sort();
}

/** A run in words, event by event. */
export function words(events: readonly ChainEvent[]): string {
  const lines = events.map((event) =>
    [
      eventName(event),
      event.chain,
      event.stage === 'chain' && event.phase === 'complete' ? '' : event.outVconUuid,
      event.link ?? '',
      event.linkIndex ?? '',
      event.storage ?? '',
      event.phase === 'start' || event.stage === 'storage' || event.phase === 'error'
        ? ''
        : (event.outcome ?? ''),
      event.errorType ?? '',
    ].join(' '),
  );
  return inAnyOrder(lines).join('\n');
}

/** Storages are written side by side: among themselves they have no order. */
function inAnyOrder(lines: readonly string[]): string[] {
  const isStorage = (line: string) => line.startsWith('storage_');
  const storages = lines.filter(isStorage).sort();
  let next = 0;
  return lines.map((line) => (isStorage(line) ? (storages[next++] ?? '') : line));
}

function trueWords({ expected_events, outcome, chain, vcon_in }: TrueRun): string {
  const lines = expected_events.map((event) =>
    [
      event.event,
      event.chain,
      event.event === 'chain_complete' ? '' : (event.uuid_after ?? event.vcon_uuid),
      event.link ?? '',
      event.link_index ?? '',
      event.storage ?? '',
      event.outcome ?? '',
      event.error_type ?? '',
    ].join(' '),
  );
  return (
    inAnyOrder(lines).join('\n') +
    (outcome === 'killed' ? `\nchain_lost ${chain} ${vcon_in}    unknown ` : '')
  );
}
