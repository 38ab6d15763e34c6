import { afterEach, describe, expect, it, vi } from 'vitest';
import { tracePageFromEnvironment } from '../../src/config/trace-page.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const JAEGER = 'http://127.0.0.1:16686/trace/{traceId}';
const TERMINAL = { isTTY: true };
/** Whatever the library looks at that a machine of continuous integration or a developer's terminal may have set. */
const BARE = {
  CI: undefined,
  FORCE_COLOR: undefined,
  FORCE_HYPERLINK: undefined,
  NETLIFY: undefined,
  NO_COLOR: undefined,
  TEAMCITY_VERSION: undefined,
  TERM: 'xterm-256color',
  TERM_PROGRAM: undefined,
  VTE_VERSION: undefined,
  WT_SESSION: undefined,
};
/** GNOME's, and many others. */
const CAPABLE = { VTE_VERSION: '7600' };

afterEach(() => {
  vi.unstubAllEnvs();
});

function pageWith(env: Readonly<Record<string, string>>, stream: { readonly isTTY?: boolean } = TERMINAL) {
  for (const [name, value] of Object.entries({ ...BARE, ...env })) vi.stubEnv(name, value);
  return tracePageFromEnvironment(stream);
}

describe('where there are links', () => {
  it.each<[string, boolean, Record<string, string>, boolean]>([
    ['a terminal that has them', true, CAPABLE, true],
    ['a terminal that is not known to have them', true, {}, false],
    ['a pipe', false, CAPABLE, false],
    ['a pipe with colours', false, { ...CAPABLE, FORCE_COLOR: '1' }, false],
    ['NO_COLOR', true, { ...CAPABLE, NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', true, { ...CAPABLE, NO_COLOR: '' }, true],
    ['FORCE_HYPERLINK', false, { FORCE_HYPERLINK: '1' }, true],
    ['FORCE_HYPERLINK and NO_COLOR', true, { FORCE_HYPERLINK: '1', NO_COLOR: '1' }, true],
    ['FORCE_HYPERLINK=0', true, { ...CAPABLE, FORCE_HYPERLINK: '0' }, false],
  ])('%s (a terminal: %s) with %j: %s', (_, isTTY, env, expected) => {
    expect(pageWith({ ...env, VCON_OTEL_TRACE_URL: JAEGER }, { isTTY }) !== undefined).toBe(expected);
  });

  it.each([{}, { VCON_OTEL_TRACE_URL: '' }])('nowhere without a template: %j', (env) => {
    expect(pageWith({ FORCE_HYPERLINK: '1', ...env })).toBeUndefined();
  });
});

describe('where they lead to', () => {
  const urlOf = (template: string, traceId = TRACE) =>
    pageWith({ FORCE_HYPERLINK: '1', VCON_OTEL_TRACE_URL: template })?.(traceId);

  it.each([
    [JAEGER, `http://127.0.0.1:16686/trace/${TRACE}`],
    [
      'https://grafana.example/explore?left={"queries":[{"query":"{traceId}"}]}',
      `https://grafana.example/explore?left={%22queries%22:[{%22query%22:%22${TRACE}%22}]}`,
    ],
    ['https://example.com/{traceId}#{traceId}', `https://example.com/${TRACE}#${TRACE}`],
    ['https://example.com/é \u0007\u001b\\{traceId}', `https://example.com/%C3%A9%20%07%1B/${TRACE}`],
  ])('%s', (template, expected) => {
    expect(urlOf(template)).toBe(expected);
  });

  it.each(['', '0'.repeat(32), TRACE.slice(1), `${TRACE}\n`, `${TRACE.slice(1)}/`, '\u001b]8;;x'])(
    'nowhere for what is no trace id: %j',
    (traceId) => {
      expect(urlOf(JAEGER, traceId)).toBeUndefined();
    },
  );
});

describe('a bad template is a fault that does not quote it', () => {
  it.each([
    ['https://example.com/canary', 'expected {traceId} where the id of the trace belongs'],
    ['canary/{traceId}', 'expected an http:// or https:// URL'],
    ['javascript:canary("{traceId}")', 'expected an http:// or https:// URL'],
    ['file:///canary/{traceId}', 'expected an http:// or https:// URL'],
    [
      'https://me:canary@example.com/{traceId}',
      'expected a URL without user and password, which would be shown',
    ],
  ])('%s', (template, message) => {
    expect(() => pageWith({ VCON_OTEL_TRACE_URL: template }, { isTTY: false })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: `VCON_OTEL_TRACE_URL: ${message}`,
      }),
    );
  });
});
