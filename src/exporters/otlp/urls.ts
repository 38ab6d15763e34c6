/** What of the exporter's options says where OTLP goes. */
export interface OtlpPlace {
  /** The base of `/v1/traces` and `/v1/metrics`. */
  readonly endpoint?: string | undefined;
  /** The full URL for traces. */
  readonly traces_endpoint?: string | undefined;
  /** The full URL for metrics. */
  readonly metrics_endpoint?: string | undefined;
}

/** Where OTLP goes: full URLs. A signal without one is not exported. */
export interface OtlpUrls {
  readonly traces?: string;
  readonly metrics?: string;
}

/** A signal's own endpoint is taken as it is (OTLP exporter specification, endpoint URLs for OTLP/HTTP). */
export function otlpUrls({ endpoint, traces_endpoint, metrics_endpoint }: OtlpPlace): OtlpUrls {
  const traces = traces_endpoint ?? (endpoint && under(endpoint, 'v1/traces'));
  const metrics = metrics_endpoint ?? (endpoint && under(endpoint, 'v1/metrics'));
  return { ...(traces && { traces }), ...(metrics && { metrics }) };
}

/** The URL of a signal, whose path is appended to that of the common endpoint. */
export function under(endpoint: string | URL, path: string): string {
  const url = new URL(endpoint);
  url.pathname = url.pathname.endsWith('/') ? url.pathname + path : `${url.pathname}/${path}`;
  return url.href;
}
