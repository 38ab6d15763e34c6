import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ROOT_CONTEXT, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { readRuns, type TimelineRun } from '../../../src/cli/timeline/index.ts';
import { VconOtelError } from '../../../src/model/error.ts';
import {
  BEGIN,
  foreignSpan,
  NEW_VCON,
  pythonSpan,
  record,
  recordRun,
  temporaryFolder,
  traceFile,
  VCON,
} from './recording.ts';

const ALL = { limit: 0 };

async function onlyRun(path: string): Promise<TimelineRun> {
  const { runs } = await readRuns(path, ALL);
  expect(runs).toHaveLength(1);
  const [run] = runs;
  if (!run) throw new Error('no run');
  return run;
}

const outline = (run: TimelineRun) =>
  run.steps.map(({ depth, stage, name, outcome }) => [depth, stage, name, outcome]);

describe('runs of our own recording', () => {
  it('a run is read back with its steps, times in seconds from its start', async () => {
    const { tracer, line } = record();
    const span = recordRun(tracer, {
      duration: 100,
      links: [
        { name: 'tag', from: 1, to: 21 },
        { name: 'score', from: 22, to: 60 },
      ],
      storages: [{ name: 'files', from: 61, to: 99 }],
    });
    const run = await onlyRun(await traceFile(line()));
    expect(run).toEqual({
      runId: span.spanContext().spanId,
      traceId: span.spanContext().traceId,
      chain: 'intake',
      vconUuid: VCON,
      outVconUuid: VCON,
      outcome: 'complete',
      errorType: undefined,
      start: BEGIN,
      duration: 0.1,
      truncated: false,
      linkedFrom: [],
      late: 0,
      inferred: [],
      steps: [
        {
          stage: 'link',
          name: 'tag',
          index: 0,
          outcome: 'success',
          errorType: undefined,
          start: 0.001,
          duration: 0.02,
          depth: 0,
          vconUuid: VCON,
          outVconUuid: VCON,
        },
        expect.objectContaining({ name: 'score', index: 1, start: 0.022, duration: 0.038 }),
        expect.objectContaining({ stage: 'storage', name: 'files', start: 0.061, outVconUuid: undefined }),
      ],
    });
  });

  it('a link that failed makes the run an error, of its type', async () => {
    const { tracer, line } = record();
    recordRun(tracer, {
      duration: 50,
      outcome: 'complete',
      links: [{ name: 'boom', from: 1, to: 49, outcome: 'error' }],
    });
    const run = await onlyRun(await traceFile(line()));
    expect(run).toMatchObject({ outcome: 'error', errorType: 'RangeError', inferred: [] });
    expect(outline(run)).toEqual([[0, 'link', 'boom', 'error']]);
  });

  it('what an error says is only ever a class name or a code, also of somebody else’s spans', async () => {
    const { tracer, line } = record();
    const fails = (type: string) => (span: Span) => {
      const inner = tracer.startSpan('POST', { startTime: BEGIN + 2 }, trace.setSpan(ROOT_CONTEXT, span));
      inner
        .setAttribute('error.type', type)
        .setStatus({ code: SpanStatusCode.ERROR })
        .end(BEGIN + 3);
    };
    const run = recordRun(tracer, {
      duration: 50,
      links: [{ name: 'call', from: 1, to: 49, inside: fails('call +15550100 failed') }],
    });
    const request = JSON.parse(line());
    const link = request.resourceSpans[0].scopeSpans[0].spans.find(
      ({ name }: { name: string }) => name === 'link.call',
    );
    link.status = { code: SpanStatusCode.ERROR };
    link.attributes.push({ key: 'error.type', value: { stringValue: 'call +15550100 failed' } });
    const read = await onlyRun(await traceFile(JSON.stringify(request)));
    expect(read).toMatchObject({ runId: run.spanContext().spanId, outcome: 'error', errorType: '_OTHER' });
    expect(read.steps.map(({ name, errorType }) => [name, errorType])).toEqual([
      ['call', '_OTHER'],
      ['POST', '_OTHER'],
    ]);
  });

  it('a halted run is halted at its link', async () => {
    const { tracer, line } = record();
    recordRun(tracer, {
      duration: 50,
      outcome: 'halted',
      links: [{ name: 'gate', from: 1, to: 49, outcome: 'halt' }],
    });
    const run = await onlyRun(await traceFile(line()));
    expect(run.outcome).toBe('halted');
    expect(outline(run)).toEqual([[0, 'link', 'gate', 'halt']]);
  });

  it('a failed storage among parallel ones leaves the run complete', async () => {
    const { tracer, line } = record();
    recordRun(tracer, {
      duration: 100,
      storages: [
        { name: 'slow', from: 10, to: 90 },
        { name: 'broken', from: 11, to: 20, outcome: 'error' },
        { name: 'quick', from: 12, to: 15 },
      ],
    });
    const run = await onlyRun(await traceFile(line()));
    expect(run.outcome).toBe('complete');
    expect(outline(run)).toEqual([
      [0, 'storage', 'slow', 'success'],
      [0, 'storage', 'broken', 'error'],
      [0, 'storage', 'quick', 'success'],
    ]);
    expect(run.steps[1]?.errorType).toBe('ECONNREFUSED');
  });

  it('a changed uuid is seen on its link and on the run', async () => {
    const { tracer, line } = record();
    recordRun(tracer, {
      duration: 40,
      outVcon: NEW_VCON,
      links: [
        { name: 'redact', from: 1, to: 10, outVcon: NEW_VCON },
        { name: 'tag', from: 11, to: 20, vcon: NEW_VCON, outVcon: NEW_VCON },
      ],
    });
    const run = await onlyRun(await traceFile(line()));
    expect(run).toMatchObject({ vconUuid: VCON, outVconUuid: NEW_VCON });
    expect(run.steps.map((step) => [step.vconUuid, step.outVconUuid])).toEqual([
      [VCON, NEW_VCON],
      [NEW_VCON, NEW_VCON],
    ]);
  });

  it("somebody else's spans are nested where they happened, at any depth", async () => {
    const { tracer, line } = record();
    recordRun(tracer, {
      duration: 100,
      links: [
        {
          name: 'webhook',
          from: 1,
          to: 50,
          inside: (link) => {
            const post = foreignSpan(tracer, 'POST', link, 5, 40);
            foreignSpan(tracer, 'tls.connect', post, 6, 10);
            foreignSpan(tracer, 'link.', link, 41, 42);
          },
        },
        { name: 'tag', from: 51, to: 60 },
      ],
    });
    foreignSpan(tracer, 'BLPOP', undefined, 0, 200);
    expect(outline(await onlyRun(await traceFile(line())))).toEqual([
      [0, 'link', 'webhook', 'success'],
      [1, 'other', 'POST', 'success'],
      [2, 'other', 'tls.connect', 'success'],
      [1, 'other', 'link.', 'success'],
      [0, 'link', 'tag', 'success'],
    ]);
  });

  it('a hand-over names the chain it comes from, also where that one ends later and is not shown', async () => {
    const { tracer, line } = record();
    const first = recordRun(tracer, { chain: 'intake', duration: 500 });
    const firstLine = line();
    recordRun(tracer, { chain: 'archive', at: 100, duration: 20, queuedBy: first });
    const { runs } = await readRuns(await traceFile(line(), firstLine), { limit: 1 });
    const { spanId, traceId } = first.spanContext();
    expect(runs.map((run) => [run.chain, run.linkedFrom])).toEqual([
      ['archive', [{ runId: spanId, traceId, chain: 'intake' }]],
    ]);
  });

  it('a run without its chain span is shown with what is known', async () => {
    const { tracer, line } = record();
    recordRun(tracer, {
      duration: 100,
      links: [{ name: 'tag', from: 5, to: 25, inside: (link) => foreignSpan(tracer, 'GET', link, 6, 7) }],
    });
    const request = JSON.parse(line());
    const { spans } = request.resourceSpans[0].scopeSpans[0];
    spans.splice(
      spans.findIndex((span: { name: string }) => span.name.startsWith('vcon_processing')),
      1,
    );
    const run = await onlyRun(await traceFile(JSON.stringify(request)));
    expect(run).toMatchObject({
      chain: 'intake',
      vconUuid: VCON,
      outcome: undefined,
      truncated: true,
      start: BEGIN + 5,
      duration: 0.02,
    });
    expect(outline(run)).toEqual([
      [0, 'link', 'tag', 'success'],
      [1, 'other', 'GET', 'success'],
    ]);
  });

  it('what arrives twice is there once', async () => {
    const { tracer, line } = record();
    recordRun(tracer, { duration: 10, links: [{ name: 'tag', from: 1, to: 2 }] });
    const request = line();
    expect((await onlyRun(await traceFile(request, request))).steps).toHaveLength(1);
  });
});

describe('runs of the Python conserver', () => {
  const CHAIN = 'call_intake';

  it('a run is read by its attributes alone, a changed uuid from what comes after', async () => {
    const { tracer, line } = record('x', '__main__');
    const chain = pythonSpan(tracer, CHAIN, {
      stage: 'chain',
      name: CHAIN,
      from: 0,
      to: 50,
      status: SpanStatusCode.OK,
    });
    pythonSpan(tracer, CHAIN, { stage: 'link', name: 'nu', from: 1, to: 20 }, chain);
    pythonSpan(tracer, CHAIN, { stage: 'storage', name: 's1', from: 21, to: 49, vcon: NEW_VCON }, chain);
    const run = await onlyRun(await traceFile(line()));
    expect(run).toMatchObject({
      chain: CHAIN,
      outcome: 'complete',
      vconUuid: VCON,
      outVconUuid: NEW_VCON,
      inferred: ['outcome', 'outVconUuid'],
    });
    expect(run.steps[0]).toMatchObject({ name: 'nu', vconUuid: VCON, outVconUuid: NEW_VCON });
  });

  it('a chain span that was not ended in time ends with its last step, and what leaked into it stays out', async () => {
    const { tracer, line } = record('x', '__main__');
    const chain = pythonSpan(tracer, CHAIN, { stage: 'chain', name: CHAIN, from: 0, to: 9000 });
    const failure = { status: SpanStatusCode.ERROR, exception: 'ValueError' };
    pythonSpan(tracer, CHAIN, { stage: 'link', name: 'boom', from: 1, to: 40, ...failure }, chain);
    foreignSpan(tracer, 'BLPOP', chain, 500, 15_000);
    const run = await onlyRun(await traceFile(line()));
    expect(run).toMatchObject({ outcome: 'error', errorType: 'ValueError', duration: 0.04 });
    expect(run.inferred).toContain('duration');
    expect(outline(run)).toEqual([[0, 'link', 'boom', 'error']]);
  });

  it('an UNSET chain span says nothing where no link failed', async () => {
    const { tracer, line } = record('x', '__mp_main__');
    pythonSpan(tracer, CHAIN, { stage: 'chain', name: CHAIN, from: 0, to: 10 });
    expect(await onlyRun(await traceFile(line()))).toMatchObject({
      outcome: 'unknown',
      inferred: ['outcome', 'outVconUuid'],
    });
  });

  it('a halt looks like a success, so that nobody knows how the last link ended where no storage follows', async () => {
    const { tracer, line } = record('x', '__main__');
    const ok = { stage: 'chain', name: CHAIN, from: 0, to: 50, status: SpanStatusCode.OK } as const;
    const chain = pythonSpan(tracer, CHAIN, ok);
    pythonSpan(tracer, CHAIN, { stage: 'link', name: 'tag', from: 1, to: 20 }, chain);
    pythonSpan(tracer, CHAIN, { stage: 'link', name: 'gate', from: 21, to: 40 }, chain);
    const run = await onlyRun(await traceFile(line()));
    expect(run.outcome).toBe('unknown');
    expect(outline(run)).toEqual([
      [0, 'link', 'tag', 'success'],
      [0, 'link', 'gate', 'unknown'],
    ]);
  });

  it('a run that leaked into the trace of another one is a run of its own', async () => {
    const { tracer, line } = record('x', '__main__');
    const failed = pythonSpan(tracer, CHAIN, { stage: 'chain', name: CHAIN, from: 0, to: 500 });
    pythonSpan(
      tracer,
      CHAIN,
      { stage: 'link', name: 'boom', from: 1, to: 40, status: SpanStatusCode.ERROR },
      failed,
    );
    const next = {
      stage: 'chain',
      name: CHAIN,
      from: 100,
      to: 150,
      vcon: NEW_VCON,
      status: SpanStatusCode.OK,
    } as const;
    const second = pythonSpan(tracer, CHAIN, next, failed);
    pythonSpan(tracer, CHAIN, { stage: 'link', name: 'fine', from: 101, to: 140, vcon: NEW_VCON }, second);
    const { runs } = await readRuns(await traceFile(line()), ALL);
    expect(runs.map((run) => [run.outcome, run.vconUuid, outline(run)])).toEqual([
      ['error', VCON, [[0, 'link', 'boom', 'error']]],
      ['unknown', NEW_VCON, [[0, 'link', 'fine', 'unknown']]],
    ]);
  });

  it('a storage in a trace of its own is found by vCon, chain and time', async () => {
    const { tracer, line } = record('x', '__main__');
    for (const at of [0, 1000]) {
      const chain = {
        stage: 'chain',
        name: CHAIN,
        from: at,
        to: at + 50,
        status: SpanStatusCode.OK,
      } as const;
      pythonSpan(tracer, CHAIN, chain);
      pythonSpan(tracer, CHAIN, { stage: 'storage', name: `s${at}`, from: at + 10, to: at + 20 });
    }
    pythonSpan(tracer, CHAIN, { stage: 'storage', name: 'nobodys', from: 1010, to: 1020, vcon: NEW_VCON });
    const { runs } = await readRuns(await traceFile(line()), ALL);
    expect(runs.map(outline)).toEqual([
      [[0, 'storage', 's0', 'success']],
      [[0, 'storage', 's1000', 'success']],
    ]);
  });

  it('a uuid that is no text is unknown, and takes nothing with it', async () => {
    const { tracer, line } = record('x', '__main__');
    const chain = pythonSpan(tracer, CHAIN, {
      stage: 'chain',
      name: CHAIN,
      from: 0,
      to: 50,
      status: SpanStatusCode.OK,
    });
    pythonSpan(tracer, CHAIN, { stage: 'link', name: 'a', from: 1, to: 20 }, chain);
    pythonSpan(tracer, CHAIN, { stage: 'link', name: 'b', from: 21, to: 40, vcon: true }, chain);
    const run = await onlyRun(await traceFile(line()));
    expect(run.steps.map((step) => step.vconUuid)).toEqual([VCON, undefined]);
  });
});

describe('what is wanted', () => {
  async function threeRuns(): Promise<string> {
    const { tracer, line } = record();
    const lines = [0, 1000, 2000].map((at) => {
      recordRun(tracer, { chain: `chain-${at}`, vcon: at === 1000 ? NEW_VCON : VCON, at, duration: 10 });
      return line();
    });
    return traceFile(...lines.reverse());
  }
  const chainsOf = ({ runs }: { runs: readonly TimelineRun[] }) => runs.map((run) => run.chain);

  it('runs come in order of start, whatever the order in the file', async () => {
    const timeline = await readRuns(await threeRuns(), ALL);
    expect(chainsOf(timeline)).toEqual(['chain-0', 'chain-1000', 'chain-2000']);
    expect(timeline.older).toBe(false);
  });

  it('a limit keeps the most recent runs and says that there are older ones', async () => {
    const timeline = await readRuns(await threeRuns(), { limit: 2 });
    expect(chainsOf(timeline)).toEqual(['chain-1000', 'chain-2000']);
    expect(timeline.older).toBe(true);
  });

  it('a vCon is found by the beginning of its uuid, in either case of letters', async () => {
    const path = await threeRuns();
    expect(chainsOf(await readRuns(path, { limit: 0, vcon: '0198BBBB' }))).toEqual(['chain-1000']);
    expect(chainsOf(await readRuns(path, { limit: 0, vcon: VCON }))).toEqual(['chain-0', 'chain-2000']);
    expect(chainsOf(await readRuns(path, { limit: 0, vcon: 'ffff' }))).toEqual([]);
  });

  it('a vCon is found where a link made it, and the whole run is shown', async () => {
    const { tracer, line } = record();
    recordRun(tracer, {
      duration: 40,
      links: [{ name: 'redact', from: 1, to: 10, outVcon: NEW_VCON }],
      outVcon: NEW_VCON,
    });
    const { runs } = await readRuns(await traceFile(line()), { limit: 0, vcon: NEW_VCON });
    expect(runs.map((run) => [run.vconUuid, run.steps.length])).toEqual([[VCON, 1]]);
  });

  it('a beginning that fits several vCons is refused, without repeating it', async () => {
    const failure = await readRuns(await threeRuns(), { limit: 0, vcon: '0198' }).catch((error) => error);
    expect(failure).toBeInstanceOf(VconOtelError);
    expect(failure).toMatchObject({ code: 'OPTIONS_INVALID', path: '--vcon' });
    expect(failure.message).not.toContain('0198');
  });

  it('the last process is the one that wrote the last line', async () => {
    const [earlier, last] = [record('process-1'), record('process-2')];
    recordRun(earlier.tracer, { chain: 'earlier', duration: 10 });
    recordRun(last.tracer, { chain: 'first', at: 50, duration: 10 });
    const [one, other] = [last.line(), earlier.line()];
    recordRun(last.tracer, { chain: 'second', at: 90, duration: 10 });
    const path = await traceFile(one, other, last.line());
    expect(chainsOf(await readRuns(path, { limit: 0, lastProcess: true }))).toEqual(['first', 'second']);
  });
});

describe('bad and unusual files', () => {
  const goodLine = () => {
    const { tracer, line } = record();
    recordRun(tracer, { duration: 10 });
    return line();
  };

  it('bad lines and bad spans are counted and harm nothing', async () => {
    const good = goodLine();
    const broken = JSON.parse(good);
    broken.resourceSpans[0].scopeSpans[0].spans.push(
      null,
      { name: 'no ids' },
      { traceId: 'zz', spanId: 'zz', name: 'link.x', startTimeUnixNano: '1' },
      { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'link.y', startTimeUnixNano: 'soon' },
    );
    const lines = ['{"resourceSpans":[{"scopeSp', '42', '"text"', 'null', '', '{"resourceLogs":[]}', '[]'];
    const odd = [
      '{"resourceSpans":{}}',
      '{"__proto__":{"resourceSpans":1}}',
      '{"resourceSpans":[{"scopeSpans":[{"spans":7}]}]}',
    ];
    const timeline = await readRuns(await traceFile(good, ...lines, ...odd, JSON.stringify(broken)), ALL);
    expect(timeline.runs).toHaveLength(1);
    expect(timeline.skipped).toBe(4 + 4);
  });

  it('a file that ends in the middle of a line is read up to there', async () => {
    const path = await traceFile();
    const good = goodLine();
    await writeFile(path, `${good}\n${good.slice(0, 100)}`);
    expect(await readRuns(path, ALL)).toMatchObject({ runs: [{ chain: 'intake' }], skipped: 1 });
  });

  it('a line separator inside a string does not break the line', async () => {
    const { tracer, line } = record();
    recordRun(tracer, { duration: 10, links: [{ name: 'a\u2028b\u0085c', from: 1, to: 2 }] });
    expect((await onlyRun(await traceFile(line()))).steps[0]?.name).toBe('a\u2028b\u0085c');
  });

  it('one pretty-printed request, an array of them, Windows line ends and a byte order mark are read', async () => {
    const good = goodLine();
    const pretty = JSON.stringify(JSON.parse(good), null, 2);
    const array = JSON.stringify([JSON.parse(good)], null, 1);
    for (const text of [
      pretty,
      array,
      `[${good}]`,
      `\ufeff${good}\r\n\r\n`,
      `\ufeff${pretty.replaceAll('\n', '\r\n')}`,
    ]) {
      const path = await traceFile();
      await writeFile(path, text);
      expect(await readRuns(path, ALL)).toMatchObject({ runs: [{ chain: 'intake' }], skipped: 0 });
    }
  });

  it('a span whose status cannot be read is left out, and counted', async () => {
    const span = (status: unknown, spanId: string) => ({
      traceId: 'a'.repeat(32),
      spanId: spanId.repeat(16),
      name: 'vcon_processing.main',
      startTimeUnixNano: 1_000_000_000,
      endTimeUnixNano: 3_000_000_000,
      status,
      attributes: [
        { key: 'chain_name', value: { stringValue: 'main' } },
        { key: 'vcon_id', value: { stringValue: VCON } },
      ],
    });
    const spans = [span({ code: 'BROKEN' }, 'b'), span({ code: 'error' }, 'c')];
    const path = await traceFile(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
    expect(await readRuns(path, ALL)).toMatchObject({ runs: [{ outcome: 'error' }], skipped: 1 });
  });

  it('numeric times, enums by name and ids in capitals are read', async () => {
    const span = {
      traceId: 'ABCDEF'.padEnd(32, '0'),
      spanId: 'FEDCBA'.padEnd(16, '0'),
      parentSpanId: '',
      name: 'vcon_processing.main',
      kind: 'SPAN_KIND_INTERNAL',
      startTimeUnixNano: 1_000_000_000,
      endTimeUnixNano: 3_000_000_000,
      status: { code: 'STATUS_CODE_ERROR' },
      attributes: [
        { key: 'chain_name', value: { stringValue: 'main' } },
        { key: 'vcon_id', value: { stringValue: VCON } },
      ],
      unknownField: { anything: [] },
    };
    const path = await traceFile(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
    expect(await onlyRun(path)).toMatchObject({
      runId: 'fedcba0000000000',
      start: 1000,
      duration: 2,
      outcome: 'error',
    });
  });

  it('an empty file has no runs', async () => {
    expect(await readRuns(await traceFile(), ALL)).toEqual({
      runs: [],
      older: false,
      skipped: 0,
      dropped: 0,
    });
  });

  it('a file that cannot be opened is an error of ours', async () => {
    const missing = `${await temporaryFolder()}/none.jsonl`;
    await expect(readRuns(missing, ALL)).rejects.toMatchObject({ code: 'FILE_UNUSABLE' });
  });

  it('spans that are their own parents in a circle end nothing', async () => {
    const span = (spanId: string, parentSpanId: string) => ({
      traceId: 'a'.repeat(32),
      spanId: spanId.repeat(16),
      parentSpanId: parentSpanId.repeat(16),
      name: 'link.round',
      startTimeUnixNano: '1000',
      attributes: ['chain_name', 'vcon_id'].map((key) => ({ key, value: { stringValue: 'x' } })),
    });
    const spans = [span('1', '2'), span('2', '1'), span('3', '3')];
    const path = await traceFile(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }));
    expect((await readRuns(path, ALL)).runs).toEqual([]);
  });

  it('of very many spans in a run some are left out and counted, never its own', async () => {
    const { tracer, line } = record();
    recordRun(tracer, {
      duration: 100,
      links: [
        {
          name: 'busy',
          from: 1,
          to: 99,
          inside: (link) => {
            for (let i = 0; i < 1500; i++) foreignSpan(tracer, 'GET', link, 2, 3);
          },
        },
      ],
    });
    const timeline = await readRuns(await traceFile(line()), ALL);
    expect(timeline.dropped).toBe(500);
    expect(timeline.runs).toMatchObject([{ truncated: false, chain: 'intake' }]);
    expect(timeline.runs[0]?.steps).toHaveLength(1 + 1000);
  });
});

it('memory follows the limit, not the file: 20,000 runs are read in a heap of 24 MB', async () => {
  const { tracer, line } = record();
  recordRun(tracer, {
    duration: 10,
    links: [{ name: 'tag', from: 1, to: 2 }],
  });
  const template = line();
  const ids = [
    ...new Set([...template.matchAll(/"(?:spanId|traceId)":"(\w+)"/g)].map((match) => match[1] ?? '')),
  ];
  const pieces = template.split(new RegExp(`(${ids.join('|')})`));
  const lines: string[] = [];
  for (let i = 0; i < 20_000; i++) {
    const suffix = i.toString(16).padStart(6, '0');
    lines.push(pieces.map((piece) => (ids.includes(piece) ? piece.slice(0, -6) + suffix : piece)).join(''));
  }
  const path = await traceFile(...lines);
  const module = new URL('../../../src/cli/timeline/index.ts', import.meta.url).href;
  const script = `import { readRuns } from ${JSON.stringify(module)};
    const { runs, older } = await readRuns(${JSON.stringify(path)}, { limit: 20 });
    console.log(JSON.stringify([runs.length, older, runs[0].steps.length]));`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--max-old-space-size=24',
    '--input-type=module',
    '--eval',
    script,
  ]);
  expect(JSON.parse(stdout)).toEqual([20, true, 1]);
});
