import { type DiagLogger, diag } from '@opentelemetry/api';
import { loggingErrorHandler } from '@opentelemetry/core';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { diagnosticsLogger, readable, sendDiagnosticsTo } from '../../src/service/log.ts';

interface Line {
  readonly level: number;
  readonly component: string;
  readonly msg: string;
}

function record(level = 'trace') {
  const lines: Line[] = [];
  const log = pino({ level, base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lines, log, logger: diagnosticsLogger(log) };
}

/** What is written of a message of the SDK's. */
function written(message: unknown, ...details: unknown[]): string | undefined {
  const { lines, logger } = record();
  (logger.error as (...parts: unknown[]) => void)(message, ...details);
  return lines[0]?.msg;
}

afterEach(() => diag.disable());

describe('on a terminal', () => {
  async function shown(...message: Parameters<ReturnType<typeof pino>['warn']>): Promise<string> {
    const lines: string[] = [];
    const to = { write: (line: string) => void lines.push(line) };
    const timestamp = () => ',"time":"2026-03-01T12:00:00.300Z"';
    pino({ base: null, timestamp }, await readable(to, false)).warn(...message);
    return lines.join('');
  }

  test('a line is one that a person reads, with its fields', async () => {
    const text = await shown({ component: 'vcon-otel/bridge', tracer: 'mine' }, 'tracer mine failed');
    expect(text).toMatch(
      /^\[\d\d:\d\d:00\.300\] WARN: vcon-otel\/bridge: tracer mine failed \{"tracer":"mine"\}\n$/,
    );
    expect(await shown('alone')).toMatch(/WARN: alone\n$/);
  });

  test('nothing in it controls the terminal', async () => {
    const text = await shown({ name: 'x\u001b[2Jy\r\nz\u009b31m' }, 'a\u001b]0;title\u0007 b\\n\nc\u202e');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    expect(text.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    expect(text).toContain('b\\n');
  });
});

describe('a message of ours', () => {
  test('is written as it is, under the part it comes from', () => {
    const { lines, logger } = record();
    logger.warn('vcon-otel/bridge', 'tracer "mine" failed: ECONNREFUSED http://127.0.0.1');
    expect(lines).toMatchObject([
      {
        level: 40,
        component: 'vcon-otel/bridge',
        msg: 'tracer "mine" failed: ECONNREFUSED http://127.0.0.1',
      },
    ]);
  });

  test('may have fields, but no error among them', () => {
    const { lines, logger } = record();
    logger.warn('vcon-otel/bridge', 'one', { count: 3 });
    logger.warn('vcon-otel/bridge', 'two', new Error('canary'));
    logger.warn('vcon-otel/bridge', 'three', ['canary']);
    expect(lines.map(({ msg }) => msg)).toEqual(['one', 'two', 'three']);
    expect(lines[0]).toHaveProperty('count', 3);
    expect(JSON.stringify(lines)).not.toContain('canary');
  });

  test('is written as often as it comes', () => {
    const { lines, logger } = record();
    logger.warn('vcon-otel/bridge', 'same');
    logger.warn('vcon-otel/bridge', 'same');
    expect(lines).toHaveLength(2);
  });
});

describe('a message of the SDK', () => {
  test.each([
    ['export to https://user:canary@example.com/path?key=canary failed', 'export to [url] failed'],
    ['redis://:canary@127.0.0.1:6379', '[url]'],
    ['Unknown value "canary" for OTEL_X', 'Unknown value […] for OTEL_X'],
    ["Unknown value 'canary' for OTEL_X", 'Unknown value […] for OTEL_X'],
    ['Unknown value `canary` for OTEL_X', 'Unknown value […] for OTEL_X'],
    ['response {"canary":\n{"canary":1}} was odd', 'response […] was odd'],
    ['tel +1 (555) 010-0199, twice', 'tel [number], twice'],
  ])('%j reads %j', (message, expected) => {
    expect(written(message)).toBe(expected);
  });

  test('has no details', () => {
    expect(written('export failed', new Error('canary'), { canary: 1 }, 'canary')).toBe('export failed');
  });

  test('is cut where it is long', () => {
    expect(written('word '.repeat(1_000))).toHaveLength(200);
  });

  test('that is said again within a minute is written once', () => {
    const { lines, logger } = record();
    for (let i = 0; i < 3; i += 1) logger.error(`export to http://127.0.0.1:${4318 + i} failed`);
    logger.error('something else');
    expect(lines.map(({ msg }) => msg)).toEqual(['export to [url] failed', 'something else']);
  });

  test('that is an exception reads as its type and code', () => {
    const { lines, log } = record('info');
    sendDiagnosticsTo(log);
    loggingErrorHandler()(Object.assign(new RangeError('canary'), { code: 'ECANARYFREE' }));
    loggingErrorHandler()(Object.assign(new Error('canary'), { name: 'canary canary' }));
    loggingErrorHandler()(new Error('PeriodicExportingMetricReader: metrics export failed (error canary)'));
    expect(lines.map(({ msg }) => msg)).toEqual([
      'exception RangeError ECANARYFREE',
      'exception',
      'PeriodicExportingMetricReader: metrics export failed',
    ]);
  });

  test('that is broken JSON reads as an exception', () => {
    expect(written('{"canary')).toBe('exception');
  });

  test('that is an error itself reads as its type', () => {
    expect(written(new RangeError('canary'))).toBe('exception RangeError');
    expect(written(Object.assign(new Error('canary'), { code: 'EADDRINUSE' }))).toBe('exception EADDRINUSE');
  });
});

test.each<[keyof DiagLogger, number]>([
  ['error', 50],
  ['warn', 40],
  ['info', 20],
  ['debug', 10],
  ['verbose', 10],
])('%s of the diagnostics has level %i', (method, level) => {
  const { lines, logger } = record();
  logger[method]('text');
  expect(lines[0]).toMatchObject({ level, component: 'opentelemetry' });
});

test('diagnostics take the place of those before them, without a word', () => {
  const [before, after] = [record('info'), record('info')];
  sendDiagnosticsTo(before.log);
  sendDiagnosticsTo(after.log);
  diag.createComponentLogger({ namespace: 'vcon-otel/test' }).warn('text');
  expect(before.lines).toEqual([]);
  expect(after.lines).toMatchObject([{ component: 'vcon-otel/test', msg: 'text' }]);
});
