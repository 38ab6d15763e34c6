/** A series with its newest value. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A rule that Prometheus evaluates. */
export interface Rule {
  readonly name: string;
  readonly query: string;
  readonly health: string;
}

/** What a dashboard gets of Prometheus. */
export class PrometheusApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws Error where the query is not understood */
  async query(query: string): Promise<Sample[]> {
    const response = await this.#get(`/api/v1/query?${new URLSearchParams({ query })}`);
    const body = (await response.json()) as Answer;
    if (body.status !== 'success') throw new Error(`${body.error}: ${query}`);
    const { resultType, result } = body.data;
    if (resultType === 'scalar') return [{ labels: {}, value: Number(result[1]) }];
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** The newest values by the value of a label, those of several series added up. */
  async byLabel(query: string, label: string): Promise<Record<string, number>> {
    const samples = await this.query(query);
    const values: Record<string, number> = {};
    for (const { labels, value } of samples)
      values[labels[label] ?? ''] = (values[labels[label] ?? ''] ?? 0) + value;
    return values;
  }

  /** Every recording and alerting rule. */
  async rules(): Promise<readonly Rule[]> {
    const response = await this.#get(`/api/v1/rules`);
    const { data } = (await response.json()) as {
      data: { groups: { rules: Rule[] }[] };
    };
    return data.groups.flatMap(({ rules }) => rules);
  }

  async metricNames(): Promise<readonly string[]> {
    const response = await this.#get(`/api/v1/label/__name__/values`);
    return ((await response.json()) as { data: string[] }).data;
  }

  /** How many exemplars there are of a metric. */
  async exemplars(query: string): Promise<number> {
    const now = Date.now() / 1e3;
    const range = { query, start: String(now - 3_600), end: String(now + 60) };
    const response = await this.#get(`/api/v1/query_exemplars?${new URLSearchParams(range)}`);
    return ((await response.json()) as { data: unknown[] }).data.length;
  }

  #get(path: string): Promise<Response> {
    return fetch(this.#url + path, { signal: AbortSignal.timeout(30_000) });
  }
}

type Answer =
  | { readonly status: 'error'; readonly error: string }
  | {
      readonly status: 'success';
      readonly data:
        | { readonly resultType: 'scalar'; readonly result: readonly [number, string] }
        | {
            readonly resultType: 'vector';
            readonly result: readonly {
              readonly metric: Readonly<Record<string, string>>;
              readonly value: readonly [number, string];
            }[];
          };
    };
