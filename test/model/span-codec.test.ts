import { SpanStatusCode } from '@opentelemetry/api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChainEvent, eventName, type Stage } from '../../src/model/event.ts';
import { decode, decodeEnd, decodeStart, encode, outcomeOf } from '../../src/model/span-codec.ts';
import type { SpanLike } from '../../src/model/span-like.ts';
import { randomEvents } from '../support/random-run.ts';

/** The span of an event as whoever reads it has it. */
function spanOf(event: ChainEvent): SpanLike {
  const { name, attributes, status, links } = encode(event);
  return { name, attributes, status: { code: status.code }, links, events: [] };
}

/** What a span carries of an event: not where and when it was recorded, which an SDK adds. */
function carried({
  eventId,
  runId,
  time,
  duration,
  spanContext,
  links,
  ...event
}: ChainEvent): Partial<ChainEvent> {
  return event.stage === 'chain' ? { ...event, links } : event;
}

/** The inverse of `encode`, as far as a single span goes. */
function eventOf(span: SpanLike, isEnded: boolean): Partial<ChainEvent> {
  const start = decodeStart(span);
  if (!start) throw new Error('a span of ours');
  const { stage, chain, vconUuid = '', inferred, vconSha256 } = start;
  const end = decodeEnd(span, stage);
  const outcome = isEnded ? outcomeOf(end, stage) : undefined;
  return {
    stage,
    phase: outcome === undefined ? 'start' : outcome === 'error' ? 'error' : 'complete',
    chain,
    link: stage === 'link' ? start.name : undefined,
    linkIndex: stage === 'link' ? start.index : undefined,
    storage: stage === 'storage' ? start.name : undefined,
    inVconUuid: vconUuid,
    outVconUuid: (isEnded ? end.outVconUuid : undefined) ?? vconUuid,
    outcome,
    errorType: end.errorType,
    vconSha256,
    inferred,
    ...(stage === 'chain' && { links: start.links ?? [] }),
  };
}

describe('law 1: an event encoded as a span and decoded is the same event', () => {
  test('all nine, whatever they say; of a chain whose end is not known all but that it is not known', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(randomEvents, (events) => {
        for (const event of events) {
          seen.add(eventName(event));
          const decoded = eventOf(spanOf(event), event.phase !== 'start');
          const expected = carried(event);
          expect(decoded).toEqual(event.phase === 'lost' ? { ...expected, phase: 'complete' } : expected);
        }
      }),
      { numRuns: 300 },
    );
    expect(seen.size).toBe(10);
  });

  test('a span of a chain whose end is not known says no more than that', () => {
    fc.assert(
      fc.property(randomEvents, (events) => {
        const lost = events.filter(({ phase }) => phase === 'lost').map(spanOf);
        for (const span of lost) expect(decode(span)).toMatchObject({ failed: false, outcome: 'unknown' });
      }),
    );
  });
});

describe('one rule for each fact, whoever recorded the span', () => {
  const span = (stage: Stage, attributes: object = {}, more: Partial<SpanLike> = {}): SpanLike => ({
    name: { chain: 'vcon_processing.main', link: 'link.a', storage: 'storage.s' }[stage],
    attributes: { vcon_id: 'V', chain_name: 'main', ...attributes },
    status: { code: SpanStatusCode.UNSET },
    links: [],
    events: [],
    ...more,
  });
  const ERROR = { status: { code: SpanStatusCode.ERROR } };

  test.each([
    [{}, '_OTHER'],
    [{ 'error.type': 'requests.exceptions.Timeout' }, 'requests.exceptions.Timeout'],
    [{ 'error.type': 'call +15550100' }, '_OTHER'],
    [{ 'error.type': '' }, '_OTHER'],
    [{ 'error.type': 500 }, '_OTHER'],
    [{ 'error.type': 'x'.repeat(129) }, '_OTHER'],
  ])('error.type: %j is %s', (attributes, errorType) => {
    expect(decode(span('link', attributes, ERROR))).toMatchObject({ failed: true, errorType });
  });

  test('an error is what the status says, or the outcome', () => {
    expect(decode(span('storage', {}, ERROR))).toMatchObject({ failed: true });
    expect(decode(span('link', { 'vcon.link.outcome': 'error' }))).toMatchObject({
      failed: true,
      errorType: '_OTHER',
    });
    expect(decode(span('link', { 'error.type': 'X' }))).toMatchObject({
      failed: false,
      errorType: undefined,
    });
  });

  test.each([
    ['chain', 'vcon.chain.outcome', ['complete', 'halted', 'unknown'], ['success', 'halt', 'fine', 7]],
    ['link', 'vcon.link.outcome', ['success', 'halt', 'unknown'], ['complete', 'halted', '', null]],
    ['storage', 'vcon.storage.outcome', ['success'], ['unknown', 'halt', true]],
  ] as const)('the outcome of a %s is one of its own', (stage, key, own, others) => {
    for (const outcome of own) expect(decode(span(stage, { [key]: outcome }))).toMatchObject({ outcome });
    for (const outcome of others)
      expect(decode(span(stage, { [key]: outcome }))).toMatchObject({ outcome: undefined });
  });

  test.each([
    [0, 0],
    ['2', 2],
    [3.0, 3],
    [-1, undefined],
    [1.5, undefined],
    ['1e3', undefined],
    [null, undefined],
    [undefined, undefined],
  ])('link_index %j is %j', (value, index) => {
    expect(decode(span('link', { link_index: value }))).toMatchObject({ index });
  });

  test.each([['no uuid'], [true], [null], ['']])('vcon_id %j is there, and no uuid', (value) => {
    expect(decode(span('link', { vcon_id: value }))).toMatchObject({ stage: 'link', vconUuid: undefined });
  });

  test.each([
    ['vcon_id', undefined],
    ['chain_name', undefined],
    ['chain_name', 7],
    ['chain_name', null],
  ])('with %s %j it is nobody’s we know', (key, value) => {
    expect(decode(span('link', { [key]: value }))).toBeUndefined();
  });

  test.each([
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [[], []],
    [['a', 7], undefined],
    ['a', undefined],
  ])('vcon.chain.links %j are %j', (value, links) => {
    expect(decode(span('chain', { 'vcon.chain.links': value }))).toMatchObject({ links });
  });

  test('what is no SHA-256 is none, and what is no list of names infers nothing', () => {
    const good = { 'vcon.sha256': 'ab'.repeat(32), 'vcon.inferred': ['time'] };
    expect(decode(span('chain', good))).toMatchObject({ vconSha256: 'ab'.repeat(32), inferred: ['time'] });
    const bad = { 'vcon.sha256': 'AB'.repeat(32), 'vcon.inferred': ['time', 7] };
    expect(decode(span('chain', bad))).toMatchObject({ vconSha256: undefined, inferred: [] });
  });

  test.each([
    ['__main__', SpanStatusCode.UNSET, false, true],
    ['__mp_main__', SpanStatusCode.UNSET, false, true],
    ['', SpanStatusCode.UNSET, false, true],
    ['__main__', SpanStatusCode.OK, false, false],
    ['__main__', SpanStatusCode.ERROR, true, false],
    ['vcon-otel', SpanStatusCode.UNSET, false, false],
    [undefined, SpanStatusCode.UNSET, false, false],
  ])('a chain span of scope %s with status %i: failed %s, undecided %s', (scope, code, failed, undecided) => {
    const python = { status: { code }, ...(scope !== undefined && { scope }) };
    expect(decode(span('chain', {}, python))).toMatchObject({ failed, undecided });
    expect(decode(span('link', {}, python))).toMatchObject({
      failed: code === SpanStatusCode.ERROR,
      undecided: false,
    });
  });
});
