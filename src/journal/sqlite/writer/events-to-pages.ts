import type { DatabaseSync } from 'node:sqlite';
import type { SpanContext } from '@opentelemetry/api';
import { frozenEvent } from '../../../model/chain-event.ts';
import type { ChainEvent } from '../../../model/event.ts';
import { Page, pageOf } from '../page.ts';
import { Pages } from './pages.ts';
import { Statements } from './statements.ts';

/** Events of a page that is made here. */
const PAGE = 1_000;

/** What of an event was neither in its run nor in a column, as 0.1 wrote it. */
type Body = Pick<ChainEvent, 'stage' | 'phase' | 'links'> &
  Partial<Omit<ChainEvent, 'stage' | 'phase' | 'links' | 'spanContext'>> & {
    readonly in: string;
    /** Left out where it was `in`. */
    readonly out?: string;
    readonly span: readonly [traceId: string, spanId: string, traceFlags: number];
  };

/** 0.1 had a row for each event: makes pages of them. */
export function eventsToPages(db: DatabaseSync): void {
  db.exec(`
    create table page (
      first     integer primary key,
      last      integer not null,
      oldest    real not null,
      newest    real not null,
      is_packed integer not null,
      body      blob not null
    );
    create index page_plain on page (first) where is_packed = 0;
    alter table run rename to run_of_0_1;
    create table run (
      run    integer primary key,
      run_id text not null unique,
      first  integer not null,
      last   integer
    );
    insert into run select run, run_id, min(seq), max(seq) from event join run_of_0_1 using (run) group by run;
  `);
  const pages = new Pages(new Statements(db));
  let first = 0;
  let events: ChainEvent[] = [];
  const add = (): void => {
    if (events.length === 0) return;
    const bytes = pageOf(events);
    pages.add(first, bytes, new Page(bytes));
    events = [];
  };
  const rows = db.prepare(
    'select seq, run_id, chain, step, time, body from event join run_of_0_1 using (run) order by seq',
  );
  for (const row of rows.iterate()) {
    const seq = Number(row.seq);
    if (events.length === PAGE || seq !== first + events.length) add();
    if (events.length === 0) first = seq;
    events.push(
      eventOf(String(row.run_id), String(row.chain), String(row.step), Number(row.time), String(row.body)),
    );
  }
  add();
  db.exec('drop table event; drop table run_of_0_1');
}

function eventOf(runId: string, chain: string, step: string, time: number, text: string): ChainEvent {
  const body = JSON.parse(text) as Body;
  const [traceId, spanId, traceFlags] = body.span;
  const spanContext: SpanContext = { traceId, spanId, traceFlags };
  return frozenEvent({
    eventId: `${runId}/${step}`,
    runId,
    stage: body.stage,
    phase: body.phase,
    chain,
    links: body.links,
    link: body.link,
    linkIndex: body.linkIndex,
    storage: body.storage,
    inVconUuid: body.in,
    outVconUuid: body.out ?? body.in,
    outcome: body.outcome,
    errorType: body.errorType,
    time,
    duration: body.duration,
    spanContext,
    vconSha256: body.vconSha256,
    calls: body.calls,
    inferred: body.inferred ?? [],
  });
}
