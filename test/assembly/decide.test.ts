import { describe, expect, test } from 'vitest';
import type { ConfiguredChain } from '../../src/assembly/configured-chains.ts';
import { type Decision, decide, type Extent, type KnownRun } from '../../src/assembly/decide.ts';
import { emit, statementsOf } from '../../src/assembly/emit.ts';
import { noFacts } from '../../src/assembly/facts.ts';
import { type HeardRun, hearRecord, hearSpan } from '../../src/assembly/open-run.ts';
import { type ChainEvent, eventName } from '../../src/model/event.ts';
import type { GrowingRun } from '../../src/model/growing-run.ts';
import type { Delivery } from './deliveries.ts';
import { millis, Passage } from './passage.ts';

// CONSERVER §9. V is the vCon's uuid, N the one that the link `nu` gives it. What was concluded stands behind a tilde.

/** A run of which all this was heard, and nothing else. */
function known(
  passage: Passage,
  heard: readonly Delivery[],
  configured: ConfiguredChain | undefined,
  more: Partial<KnownRun> = {},
): KnownRun {
  let run: HeardRun = {
    id: passage.chainId,
    rootSpanId: undefined,
    traceId: passage.traceId,
    chain: undefined,
    facts: noFacts(),
    isGapped: false,
    isMisled: false,
  };
  for (const one of heard) {
    if ('record' in one) run = hearRecord(run, one.record, one.record.rootSpanId);
    else for (const span of one.spans) run = hearSpan(run, span, passage.chainId).run;
  }
  return { ...run, chain: run.chain ?? 'main', configured, isUnrecorded: false, isGapped: false, ...more };
}

function inShort(event: ChainEvent): string {
  const {
    stage,
    link,
    storage,
    inVconUuid: before,
    outVconUuid: after,
    outcome,
    errorType,
    inferred,
  } = event;
  const uuids = before === after ? before : `${before}→${after}`;
  const how = stage === 'storage' || eventName(event).endsWith('_start') ? undefined : outcome;
  const concluded = inferred.length > 0 ? `~ ${inferred.join(' ')}` : undefined;
  return [eventName(event), link ?? storage, uuids, how, errorType, concluded].filter(Boolean).join(' ');
}

/** What is said, one line for each event. */
function lines({ statements }: Decision, said?: GrowingRun): string[] {
  const events: ChainEvent[] = [];
  emit(said, statements, (event) => events.push(event));
  return events.map(inShort);
}

/** What is said of a run, all at once. */
function all(
  passage: Passage,
  heard: readonly Delivery[],
  configured?: ConfiguredChain,
  extent: Extent = 'over',
): string[] {
  return lines(decide(known(passage, heard, configured), extent));
}

const AB = { links: ['a', 'b'] };
const N = { vconUuid: 'N' };

describe('spans alone tell', () => {
  test('1. links and a storage; what a link returned is concluded', () => {
    const main = new Passage();
    const heard = [main.link(0), main.link(1), main.storage('s1'), main.chain()];
    expect(all(main, heard, { ...AB, storages: ['s1'] })).toEqual([
      'chain_start V',
      'link_start a V',
      'link_complete a V success ~ out_vcon_uuid',
      'link_start b V',
      'link_complete b V success ~ out_vcon_uuid',
      'storage_start s1 V',
      'storage_complete s1 V',
      'chain_complete V complete ~ out_vcon_uuid',
    ]);
  });

  test('2. a new uuid, by what the next step works on', () => {
    const main = new Passage({ links: ['nu', 'b'] });
    const heard = [main.link(0), main.link(1, N), main.storage('s1', N), main.chain()];
    expect(all(main, heard, { links: ['nu', 'b'] })).toEqual([
      'chain_start V',
      'link_start nu V',
      'link_complete nu V→N success ~ out_vcon_uuid',
      'link_start b N',
      'link_complete b N success ~ out_vcon_uuid',
      'storage_start s1 N',
      'storage_complete s1 N',
      'chain_complete V→N complete ~ out_vcon_uuid',
    ]);
  });

  test('2. a new uuid of the last link not, where nothing works on it', () => {
    const main = new Passage({ links: ['nu'] });
    expect(all(main, [main.link(0), main.chain()], { links: ['nu'] }).slice(-2)).toEqual([
      'link_complete nu V unknown ~ out_vcon_uuid outcome',
      'chain_complete V unknown ~ outcome out_vcon_uuid',
    ]);
  });

  test('6. a storage that failed, in a chain that did not', () => {
    const main = new Passage({ links: ['a'] });
    const failed = main.storage('s2', { failed: true, errorType: 'ConnectionError' });
    expect(all(main, [main.link(0), failed, main.chain()], { links: ['a'] }).slice(-3)).toEqual([
      'storage_start s2 V',
      'storage_error s2 V ConnectionError',
      'chain_complete V complete ~ out_vcon_uuid',
    ]);
  });

  test('7. storages in the order of the clock', () => {
    const main = new Passage({ links: [] });
    const stored = [
      main.storage('s1', { from: 40, to: 70 }),
      main.storage('s2', { from: 41, to: 60, failed: true }),
      main.storage('s3', { from: 42, to: 80 }),
    ];
    expect(all(main, [...stored, main.chain()], { links: [] }).slice(1, -1)).toEqual([
      'storage_start s1 V',
      'storage_start s2 V',
      'storage_start s3 V',
      'storage_error s2 V ValueError',
      'storage_complete s1 V',
      'storage_complete s3 V',
    ]);
  });

  test('7. a storage that was written twice as two, and one that ends before it starts all the same', () => {
    const main = new Passage({ links: [] });
    const stored = [main.storage('s1', { from: 40, to: 30 }), main.storage('s1', { from: 50, to: 60 })];
    const { statements } = decide(known(main, [...stored, main.chain()], { links: [] }), 'over');
    const events: ChainEvent[] = [];
    emit(undefined, statements, (event) => events.push(event));
    expect(events.map(({ eventId }) => eventId.slice(main.chainId.length + 1)).slice(1, -1)).toEqual([
      'storage/s1/start',
      'storage/s1/complete',
      'storage/s1~2/start',
      'storage/s1~2/complete',
    ]);
    expect(events[2]?.duration).toBe(0);
  });

  test('10. a link that a chain has twice as two', () => {
    const links = ['a', 'a'];
    const main = new Passage({ links });
    const said = all(main, [main.link(0), main.link(1), main.chain()], { links });
    expect(said.filter((line) => line.startsWith('link_start'))).toEqual([
      'link_start a V',
      'link_start a V',
    ]);
  });

  test('12. a chain without links, and one that is not configured', () => {
    const none = new Passage({ links: [] });
    expect(all(none, [none.chain()], { links: [] }).at(-1)).toBe('chain_complete V complete');
    expect(all(none, [none.storage('s1'), none.chain()])).toEqual([
      'chain_start V ~ links',
      'storage_start s1 V',
      'storage_complete s1 V',
      'chain_complete V complete ~ links',
    ]);
    // Its links may be lost.
    expect(all(none, [none.chain()]).at(-1)).toBe('chain_complete V unknown ~ links outcome');
    const other = new Passage();
    expect(all(other, [other.link(0), other.chain()])[0]).toBe('chain_start V ~ links');
  });

  test('12. a link that returned True leaves the uuid as it was', () => {
    const main = new Passage();
    const odd = { vconUuid: undefined };
    const said = all(main, [main.link(0), main.link(1, odd), main.storage('s1', odd), main.chain()], AB);
    expect(said).toContain('link_start b V');
    expect(said).toContain('storage_complete s1 V');
  });
});

describe('a halt', () => {
  const links = ['a', 'halt', 'b'];
  const main = new Passage({ links });

  const unknown = [
    'link_complete halt V unknown ~ out_vcon_uuid outcome',
    'chain_complete V unknown ~ outcome out_vcon_uuid',
  ];

  test('3. is concluded from links that did not run, where the chain is configured', () => {
    const heard = [main.link(0), main.link(1), main.chain()];
    expect(all(main, heard, { links, storages: [] }).slice(-2)).toEqual([
      'link_complete halt V halt ~ outcome',
      'chain_complete V halted ~ outcome out_vcon_uuid',
    ]);
    expect(all(main, heard, { links }).slice(-2)).toEqual(unknown);
    expect(all(main, heard).slice(-2).join()).toBe(
      unknown
        .map((line) => line.replace('~', '~ links'))
        .join()
        .replace('~ links out', '~ out'),
    );
  });

  test('is not concluded where spans may have been lost', () => {
    const heard = [main.link(0), main.link(1), main.chain()];
    const run = known(main, heard, { links, storages: ['s1'] }, { isGapped: true });
    expect(lines(decide(run, 'over')).slice(-2)).toEqual(unknown);
    const stored = known(
      main,
      [...heard, main.storage('s1')],
      { links, storages: ['s1'] },
      { isGapped: true },
    );
    expect(lines(decide(stored, 'over')).at(-1)).toBe('chain_complete V complete ~ out_vcon_uuid');
  });

  test('is not concluded after a link that gave the vCon a new uuid', () => {
    const heard = [main.link(0), main.record(0, 'V', 'N'), main.chain()];
    expect(all(main, heard, { links, storages: ['s1'] }).slice(-2)).toEqual([
      'link_complete a V→N success',
      'chain_complete V→N unknown ~ outcome',
    ]);
  });

  test('3. is concluded from storages that were not written, and not where one was', () => {
    const end = new Passage({ links: ['halt'] });
    const configured = { links: ['halt'], storages: ['s1'] };
    const halted = all(end, [end.link(0), end.chain()], configured);
    expect(halted.at(-1)).toBe('chain_complete V halted ~ outcome out_vcon_uuid');
    const not = all(end, [end.link(0), end.storage('s1'), end.chain()], configured);
    expect(not.at(-1)).toBe('chain_complete V complete ~ out_vcon_uuid');
  });

  test('is known where the spans say so', () => {
    const said = main.link(1, { outcome: 'halt' });
    const chain = main.chain({ outcome: 'halted', outVconUuid: 'V' });
    expect(all(main, [main.link(0), said, chain], { links }).slice(-2)).toEqual([
      'link_complete halt V halt',
      'chain_complete V halted',
    ]);
  });

  test('is not concluded where records alone tell', () => {
    const records = [-1, 0, 1].map((index) => main.record(index));
    expect(all(main, records, { links, storages: ['s1'] }, 'given_up').slice(-2)).toEqual([
      'link_complete halt V unknown ~ time duration outcome',
      'chain_lost V unknown ~ time duration outcome out_vcon_uuid',
    ]);
  });
});

describe('a failure', () => {
  const links = ['a', 'boom', 'b'];
  const main = new Passage({ links });
  const failed = main.link(1, { failed: true });
  const error = [
    'link_start boom V',
    'link_error boom V error ValueError',
    'chain_error V error ValueError ~ time duration',
  ];

  test('4. of a link fails the chain, which ends with it: when its span ended means nothing', () => {
    const heard = [main.link(0), failed, main.chain({ undecided: true, to: 8_000 })];
    expect(all(main, heard, { links }).slice(-3)).toEqual(error);
    const events: ChainEvent[] = [];
    emit(undefined, decide(known(main, heard, { links }), 'over').statements, (event) => events.push(event));
    expect(events.at(-1)).toMatchObject({ time: millis(45), duration: 0.045 });
  });

  test('4. of a link fails the chain whose span never came', () => {
    expect(all(main, [main.link(0), failed], { links }).slice(-3)).toEqual(error);
  });

  test('12. of a link that is not configured shows in nothing: a chain span without a status does not say it', () => {
    const heard = [main.link(0), main.chain({ undecided: true })];
    expect(all(main, heard, { links, storages: [] }).slice(-2)).toEqual([
      'link_complete a V unknown ~ out_vcon_uuid outcome',
      'chain_lost V unknown ~ time duration outcome out_vcon_uuid',
    ]);
  });

  test('is none where a storage was written, whatever the chain span says', () => {
    const heard = [main.link(0), main.link(1), main.link(2), main.storage('s1')];
    expect(all(main, [...heard, main.chain({ undecided: true })], { links }).slice(-4)).toEqual([
      'link_complete b V success ~ out_vcon_uuid',
      'storage_start s1 V',
      'storage_complete s1 V',
      'chain_complete V complete ~ time duration outcome out_vcon_uuid',
    ]);
  });

  test('9. of a tracer after its link is one of the link', () => {
    const broken = main.link(0, { failed: true, errorType: 'TracerError' });
    const heard = [broken, main.chain({ undecided: true }), main.record(-1), main.record(0)];
    expect(all(main, heard, { links }).slice(-2)).toEqual([
      'link_error a V error TracerError',
      'chain_error V error TracerError ~ time duration',
    ]);
  });
});

describe('records', () => {
  const main = new Passage();
  const [first, second, third] = [-1, 0, 1].map((index) => main.record(index));
  if (!first || !second || !third) throw new Error('three');

  test('1. say at once what is certain: links up to the first of which none has come', () => {
    expect(all(main, [first], AB, 'certain')).toEqual(['chain_start V ~ time', 'link_start a V ~ time']);
    // It may have halted the chain.
    expect(all(main, [first, second], AB, 'certain')).toHaveLength(2);
    expect(all(main, [first, second, third], AB, 'certain')).toEqual([
      'chain_start V ~ time',
      'link_start a V ~ time',
      'link_complete a V success ~ time duration',
      'link_start b V ~ time',
    ]);
    expect(all(main, [first, third], AB, 'certain')).toHaveLength(2);
    expect(all(main, [second, third], AB, 'certain')).toEqual([]);
  });

  test('say what comes before the last one, if somebody waits for that', () => {
    const { statements, missing } = decide(known(main, [first, third], AB), 'asked');
    expect(lines({ statements, missing }).slice(1)).toEqual([
      'link_start a V ~ time',
      'link_complete a V success ~ time duration out_vcon_uuid step',
      'link_start b V ~ time',
      // Its call.
      'link_complete b V ~ time',
    ]);
    expect(missing).toBe(1);
    expect(all(main, [third], AB, 'asked')[0]).toBe('chain_start V ~ vcon_uuid time');
  });

  test('go on where they were, and repeat nothing', () => {
    const before = decide(known(main, [first, second], AB), 'certain');
    const said = emit(undefined, before.statements);
    expect(decide(known(main, [first, second], AB), 'certain', said).statements).toEqual([]);
    const after = decide(known(main, [first, second, third], AB), 'certain', said);
    expect(lines(after, said)).toEqual([
      'link_complete a V success ~ time duration',
      'link_start b V ~ time',
    ]);
  });

  test('of which somebody waits for the call make that, once, and not again when its link has ended', () => {
    const calls: (string | undefined)[][] = [];
    const hear = ({ eventId, calls: made, outcome }: ChainEvent) => calls.push([eventId, made, outcome]);
    const asked = decide(known(main, [first, second], AB), 'asked').statements;
    const said = emit(undefined, asked, hear);
    expect(calls.at(-1)).toEqual([`${main.chainId}/link/0/run`, 'run', undefined]);
    expect(decide(known(main, [first, second], AB), 'asked', said).statements).toEqual([]);
    emit(said, decide(known(main, [first, second, third], AB), 'certain', said).statements, hear);
    expect(calls.at(-2)).toEqual([`${main.chainId}/link/0/complete`, 'trace', 'success']);
    const again: string[] = [];
    emit(undefined, said ? statementsOf(said) : [], ({ eventId }) => again.push(eventId));
    expect(again).toEqual(calls.map(([eventId]) => eventId));
  });

  test('and spans together leave nothing to conclude but whether the last link halted the chain', () => {
    const heard = [first, second, third, main.link(0), main.link(1), main.chain()];
    expect(all(main, heard, AB)).toEqual([
      'chain_start V',
      'link_start a V',
      'link_complete a V success',
      'link_start b V',
      'link_complete b V unknown ~ outcome',
      'chain_complete V unknown ~ outcome',
    ]);
  });

  test('2. tell what a link returned', () => {
    const nu = new Passage({ links: ['nu'] });
    const heard = [nu.record(-1), nu.record(0, 'V', 'N'), nu.link(0), nu.storage('s1', N), nu.chain()];
    expect(all(nu, heard, { links: ['nu'] })).toEqual([
      'chain_start V',
      'link_start nu V',
      'link_complete nu V→N success',
      'storage_start s1 N',
      'storage_complete s1 N',
      'chain_complete V→N complete',
    ]);
  });

  test('alone say that nobody has recorded spans, and that they may not have heard the end', () => {
    const bare = [-1, 0, 1].map((index) => main.bareRecord(index, 'V'));
    const run = known(main, bare, AB, { isUnrecorded: true });
    expect(lines(decide(run, 'over'))).toEqual([
      'chain_start V ~ time span',
      'link_start a V ~ time span',
      'link_complete a V success ~ span time duration',
      'link_start b V ~ time span',
      'link_complete b V unknown ~ span time duration outcome',
      'chain_complete V unknown ~ span time duration outcome',
    ]);
  });

  test('13. tell the hash of the document as a step left it', () => {
    const hash = (digit: string) => ({ vcon_sha256: digit.repeat(64) });
    const main = new Passage({ links: ['a'] });
    const heard = [main.record(-1, 'V', 'V', hash('a')), main.record(0, 'V', 'V', hash('b')), main.link(0)];
    const { statements } = decide(
      known(main, [...heard, main.storage('s1'), main.chain()], { links: ['a'] }),
      'over',
    );
    const events: ChainEvent[] = [];
    emit(undefined, statements, (event) => events.push(event));
    expect(events.map((event) => [eventName(event), event.vconSha256?.[0]])).toEqual([
      ['chain_start', 'a'],
      ['link_start', undefined],
      ['link_complete', 'b'],
      ['storage_start', 'b'],
      ['storage_complete', 'b'],
      ['chain_complete', 'b'],
    ]);
  });
});

describe('what did not come', () => {
  const main = new Passage();

  test('between two links is a link that is missing', () => {
    const decision = decide(known(main, [main.link(1), main.chain()], AB), 'over');
    expect(lines(decision).slice(1, 3)).toEqual([
      'link_start a V ~ time step',
      'link_complete a V success ~ step time duration out_vcon_uuid',
    ]);
    expect(decision.missing).toBe(1);
  });

  test('at the end makes a run that is given up one whose end is lost', () => {
    expect(all(main, [main.link(0)], AB, 'given_up').slice(-2)).toEqual([
      'link_complete a V unknown ~ out_vcon_uuid outcome',
      'chain_lost V unknown ~ time duration outcome out_vcon_uuid',
    ]);
    expect(all(main, [main.link(0), main.link(1), main.storage('s1')], AB, 'given_up').at(-1)).toBe(
      'chain_lost V unknown ~ time duration outcome out_vcon_uuid',
    );
  });

  test('before a storage are links that ran, since it was written', () => {
    const decision = decide(known(main, [main.link(0), main.storage('s1'), main.chain()], AB), 'over');
    expect(lines(decision).slice(1, 5)).toEqual([
      'link_start a V',
      'link_complete a V success ~ out_vcon_uuid',
      'link_start b V ~ time step',
      'link_complete b V success ~ step time duration out_vcon_uuid',
    ]);
    expect(decision.missing).toBe(1);
  });

  test('cannot be told of a vCon that nothing names', () => {
    const odd = { vconUuid: undefined };
    expect(all(main, [main.link(0, odd), main.chain(odd)], AB)).toEqual([]);
  });

  test('is the name of its chain', () => {
    const run = known(main, [main.bareRecord(-1, 'V')], undefined);
    const { chain, ...nameless } = run;
    expect(chain).toBe('main');
    const said = emit(undefined, decide({ ...nameless, chain: undefined }, 'certain').statements);
    expect([said?.chain, said?.inferred]).toEqual(['unknown', ['time', 'chain']]);
  });
});

describe('ids of spans', () => {
  const main = new Passage();
  const idsOf = (heard: readonly Delivery[], extent: Extent) => {
    const ids: string[] = [];
    const { statements } = decide(known(main, heard, AB), extent);
    emit(undefined, statements, ({ spanContext }) => ids.push(spanContext.spanId));
    return ids;
  };

  test('are those of the spans, or of records made inside them', () => {
    const ids = [main.chainId, main.linkId(0)];
    expect(idsOf([main.link(0)], 'given_up').slice(0, 2)).toEqual(ids);
    expect(idsOf([main.record(-1), main.record(0)], 'certain')).toEqual(ids);
  });

  test('are always the same where nobody has recorded any', () => {
    const bare = [main.bareRecord(-1, 'V'), main.bareRecord(0, 'V')];
    const [chain, link] = idsOf(bare, 'certain');
    expect(chain).toBe(main.chainId);
    expect(link).toMatch(/^[0-9a-f]{16}$/);
    expect(idsOf(bare, 'certain')).toEqual(idsOf(bare, 'over').slice(0, 2));
  });
});
