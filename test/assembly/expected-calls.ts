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
 * show it, that is the uuid as it was before.
 */
export function asSpansTell(run: TrueRun): TrueRun {
  const { events } = run;
  const last = events.findLastIndex(({ event }) => event === 'link_complete');
  const { uuid_before: before = '', uuid_after: after } = events[last] ?? {};
  const isSeen = events.slice(last + 1).some(({ event }) => /^(?:storage|link)_/.test(event));
  if (last === -1 || isSeen || before === after) return run;
  return {
    ...run,
    vconOut: before,
    events: events.map((event, i) =>
      i < last ? event : { ...event, vcon_uuid: before, ...(i === last && { uuid_after: before }) },
    ),
  };
}
