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
 * What spans alone can tell of a run whose last link gave the vCon a new uuid, and that has no storage which would
 * show it: the uuid as it was before (CONSERVER §6).
 */
export function asSpansTell(run: TrueRun): TrueRun {
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
