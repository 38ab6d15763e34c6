import type { DataLink } from './panel.ts';

/** Traces of what a series is about, in Grafana's Explore. @param attribute of the spans; @param label of the series */
export function tracesOf(attribute: string, label: string): DataLink[] {
  const value = `\${__field.labels.${label}}`;
  return [
    {
      title: 'Traces in Tempo',
      url: explore('tempo', {
        refId: 'A',
        queryType: 'traceql',
        query: `{span.${attribute} = "${value}"}`,
      }),
    },
    {
      title: 'Traces in Jaeger',
      url: explore('jaeger', { refId: 'A', queryType: 'search', tags: `${attribute}=${value}` }),
    },
  ];
}

/** What a trace is found by: Grafana fills in the variables after it has read the address. */
function explore(datasource: string, query: Readonly<Record<string, string>>): string {
  const pane = {
    datasource,
    queries: [{ ...query, datasource: { type: datasource, uid: datasource } }],
    range: { from: '$__from', to: '$__to' },
  };
  // What Grafana replaces stays legible to it.
  const panes = encodeURIComponent(JSON.stringify({ a: pane }))
    .replaceAll(/%24%7B(.+?)%7D/g, (_, name) => `\${${name}}`)
    .replaceAll('%24__', '$__');
  return `/explore?schemaVersion=1&orgId=1&panes=${panes}`;
}
