import type { TrueRun } from './captures.ts';

/** The calls that a run is to make, in short (as `inShort` has them). */
export function expectedCalls({ events, links, vconIn, vconOut }: TrueRun): string[] {
  return events.flatMap(({ event, vcon_uuid, link, storage, link_index, uuid_before, uuid_after }) => {
    const told = [event, vcon_uuid, link ?? storage].filter((part) => part !== undefined).join(' ');
    if (event === 'chain_start' && links.length > 0) return [told, `run -1 ${vconIn}→${vconIn}`];
    if (event === 'link_complete') return [told, `run ${link_index} ${uuid_before}→${uuid_after}`];
    if (event === 'chain_complete') return [told, `run ${links.length} ${vconIn}→${vconOut}`];
    return [told];
  });
}

/**
 * What spans alone can tell (CONSERVER §6). Where the last link gave the vCon a new uuid, and there is no storage which would
 * show it, that is the uuid as it was before. Where a tracer failed after a link, that is a failed link.
 */
export function asSpansTell(run: TrueRun): TrueRun {
  const { events } = run;
  if (run.tracerFailed)
    return { ...run, events: events.map(asFailed(run)) };
  const last = run.events.findLast(({ event }) => event === 'link_complete');
  const isSeen = run.events.some(({ event }) => event.startsWith('storage_'));
  if (!last || isSeen || last.uuid_before === last.uuid_after) return run;
  const before = last.uuid_before ?? '';
  return {
    ...run,
    vconOut: before,
    events: run.events.map((event) =>
      event === last || event.event === 'chain_complete'
        ? { ...event, vcon_uuid: before, ...(event === last && { uuid_after: before }) }
        : event,
    ),
  };
}

/** @returns what becomes of each event */
function asFailed({ events }: TrueRun) {
  return (event: TrueRun['events'][number], i: number) => {
    if (i < events.length - 2) return event;
    const before = events.at(-2)?.uuid_before ?? event.vcon_uuid;
    return { ...event, vcon_uuid: before, ...(event.event === 'link_complete' && { event: 'link_error' }) };
  };
}
