import { type Finding, ok, problem, warning } from '../../model/finding.ts';
import { shownUrl } from '../../model/shown-url.ts';
import { httpClient } from '../../outgoing/http-client.ts';
import { unreachable } from '../../outgoing/reach.ts';
import type { OtlpUrls } from './urls.ts';

type Headers = Readonly<Record<string, string>>;

/** Looks whether spans and metrics are taken where they are to be sent, by an export of nothing. */
export function probe(
  { traces, metrics }: OtlpUrls,
  headers: Headers,
  timeout: number,
): Promise<readonly Finding[]> {
  return Promise.all([
    ...(traces ? [lookAt('traces', traces, '{"resourceSpans":[]}', headers, timeout)] : []),
    ...(metrics ? [lookAt('metrics', metrics, '{"resourceMetrics":[]}', headers, timeout)] : []),
  ]);
}

async function lookAt(
  signal: 'traces' | 'metrics',
  target: string,
  body: string,
  headers: Headers,
  timeout: number,
): Promise<Finding> {
  const url = new URL(target);
  // The exporters go wherever the configuration says, too.
  const http = httpClient({ allowPrivateHosts: [url.hostname], timeout });
  try {
    const { status } = await http.post(url, body, { 'content-type': 'application/json', ...headers });
    if (status >= 200 && status < 300) return ok(`${shownUrl(url)} takes ${signal}`);
    const text = `${shownUrl(url)} does not take ${signal} (HTTP_${status})`;
    // Jaeger and Tempo are right to have no metrics.
    if (signal === 'metrics' && status === 404)
      return warning(text, 'send OTLP to a Collector if metrics are wanted there');
    return problem(text, ADVICE[status] ?? 'look at its log');
  } catch (error) {
    return unreachable(url, error);
  } finally {
    await http.close();
  }
}

const ADVICE: Readonly<Record<number, string>> = {
  401: 'look at exporters.otlp.headers',
  403: 'look at exporters.otlp.headers',
  404: 'look at the path: the endpoint is the base of /v1/traces, of OTLP over HTTP (port 4318, not 4317)',
  415: 'it must take OTLP as JSON',
};
