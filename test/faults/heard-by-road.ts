import type { TrueRun } from '../assembly/captures.ts';
import { asSpansTell, expectedCalls } from '../assembly/expected-calls.ts';
import { type HeardRuns, requireRuns } from './heard-runs.ts';
import type { Road } from './receive-stand.ts';

/** What happened, and that of which spans were sent. */
export interface Truth {
  readonly heard: readonly TrueRun[];
  readonly heardBySpans: readonly TrueRun[];
}

/** What was found, over many services. */
export class ReceiveTotals {
  kills = 0;
  runs = 0;
  events = 0;
  again = 0;

  /** @throws Error unless every tracer heard what happened, as far as it can be known by a road */
  add(heard: readonly HeardRuns[], truth: Truth, road: Road): void {
    for (const { runs, again, events } of heard) {
      requireRuns(road === 'records' ? runs.map(callsOfRun) : runs, told(truth, road));
      this.runs += runs.length;
      this.events += events;
      this.again += again;
    }
  }

  toString(): string {
    const [kills, runs, events, again] = [this.kills, this.runs, this.events, this.again].map((count) =>
      count.toLocaleString('en'),
    );
    return `${kills} kills, ${runs} runs, ${events} events, 0 lost, 0 twice; ${again} calls again after a kill`;
  }
}

function told({ heard, heardBySpans }: Truth, road: Road): string[][] {
  if (road === 'both') return heard.map((run) => expectedCalls(run));
  if (road === 'spans') return heardBySpans.map((run) => expectedCalls(asSpansTell(run)));
  // The first record is made inside the first link.
  const recorded = heard.filter(({ events }) => events.some(({ event }) => event === 'link_start'));
  return recorded.map((run) => callsOfRun(expectedCalls({ ...run, events: run.events.map(asRecorded) })));
}

/** A link that a tracer failed was recorded as others are. */
function asRecorded(event: TrueRun['events'][number]): TrueRun['events'][number] {
  const isRecorded = event.event === 'link_error' && event.uuid_after !== undefined;
  return isRecorded ? { ...event, event: 'link_complete' } : event;
}

/** Records tell of the calls of `run`, but not of the chain's end. */
function callsOfRun(calls: readonly string[]): string[] {
  return calls.filter((call, i) => call.startsWith('run ') && !calls[i - 1]?.startsWith('chain_complete '));
}
