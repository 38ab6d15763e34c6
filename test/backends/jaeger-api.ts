/** A span as Jaeger's API shows it. */
export interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references: readonly {
    readonly refType: 'CHILD_OF' | 'FOLLOWS_FROM';
    readonly traceID: string;
    readonly spanID: string;
  }[];
  /** Microseconds since the Unix epoch, and of it. */
  readonly startTime: number;
  readonly duration: number;
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
  readonly logs: readonly unknown[];
  readonly warnings: readonly string[] | null;
}

/** A trace as Jaeger's API shows it. */
export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly warnings: readonly string[] | null;
}

/** What a person sees in Jaeger, by the API that its page asks. */
export class JaegerApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Undefined where there is none. */
  async trace(traceId: string): Promise<JaegerTrace | undefined> {
    const response = await this.#get(`/api/traces/${traceId}`);
    if (response.status === 404) return undefined;
    return ((await response.json()) as { data: JaegerTrace[] }).data[0];
  }

  /** The traces of a service, of all times. @param tags what one of its spans must have */
  async traces(service: string, tags: Readonly<Record<string, string>> = {}): Promise<JaegerTrace[]> {
    const query = new URLSearchParams({
      service,
      limit: '1500',
      start: '0',
      end: String(Date.now() * 1_000),
      ...(Object.keys(tags).length > 0 && { tags: JSON.stringify(tags) }),
    });
    const response = await this.#get(`/api/traces?${query}`);
    if (!response.ok) throw new Error(`Jaeger answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { data: JaegerTrace[] }).data;
  }

  /** Calls a second of a service, as its Monitor page shows them. */
  async callRate(service: string): Promise<readonly unknown[]> {
    const query = new URLSearchParams({
      service,
      spanKind: 'consumer',
      endTs: String(Date.now()),
      lookback: '3600000',
      ratePer: '60000',
    });
    const response = await this.#get(`/api/metrics/calls?${query}`);
    if (!response.ok) throw new Error(`Jaeger answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { metrics: unknown[] }).metrics;
  }

  #get(path: string): Promise<Response> {
    return fetch(this.#url + path, { signal: AbortSignal.timeout(30_000) });
  }
}

/** The value of a tag, or undefined. */
export function tagOf({ tags }: JaegerSpan, key: string): unknown {
  return tags.find((tag) => tag.key === key)?.value;
}
