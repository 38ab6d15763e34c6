import { describe, expect, test } from 'vitest';
import { DASHBOARDS, textOf } from '../../deploy/grafana/source/dashboards.ts';
import { COMMITTED, filledIn, panelsOf } from './dashboards.ts';
import { unknownMetricsIn } from './known-metrics.ts';
import { COMPOSE, stackFile } from './stack-files.ts';
import { checkTraceql } from './traceql.ts';

const DATASOURCES: readonly { uid: string; url: string; jsonData: Record<string, unknown> }[] = stackFile(
  'deploy/grafana/datasources.yaml',
).datasources;

test('the committed dashboards are those that their source makes (npm run dashboards)', () => {
  expect(Object.fromEntries(COMMITTED.map(({ file, text }) => [file, text]))).toEqual(
    Object.fromEntries(DASHBOARDS.map((dashboard) => [`${dashboard.uid}.json`, textOf(dashboard)])),
  );
});

test('there is one for each question', () => {
  expect(COMMITTED.map(({ uid }) => uid).toSorted()).toEqual([
    'vcon-adapter-health',
    'vcon-audit-tracers',
    'vcon-chains',
    'vcon-links',
    'vcon-queues',
    'vcon-storages',
  ]);
});

describe.each(COMMITTED.map((dashboard) => [dashboard.title, dashboard] as const))('%s', (_, dashboard) => {
  const panels = panelsOf(dashboard);
  const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

  test('every panel has a title, a description that is a sentence, a unit and a query', () => {
    expect(panels.length).toBeGreaterThan(5);
    for (const { title, description, fieldConfig, targets } of panels) {
      expect(title).toMatch(/\S/);
      expect(description, title).toMatch(/^[A-Z1a-z].{8,}\.$/);
      expect(fieldConfig?.defaults.unit, title).toMatch(/\S/);
      expect(targets, title).not.toEqual([]);
    }
  });

  test('every query is PromQL, of metrics that somebody makes', () => {
    for (const { title, expr } of queries) expect(unknownMetricsIn(filledIn(expr)), title).toEqual([]);
  });

  test('every variable that is used is defined, and the other way round', () => {
    const defined = dashboard.templating.list.map(({ name }) => name);
    const used = [...JSON.stringify(panels).matchAll(/\$(?!\{?__|\/)\{?([a-z]+)/g)].map(([, name]) => name);
    expect([...new Set(used)].toSorted()).toEqual(defined.toSorted());
  });

  test('no division can fill a panel with NaN', () => {
    for (const { title, expr } of queries) {
      const divisor = expr.split(' / ').at(1);
      if (divisor === undefined || /capacity|max_size_bytes/.test(divisor)) continue;
      expect(divisor, title).toMatch(/ > 0\)/);
    }
  });

  test('panels neither overlap nor leave the grid', () => {
    const cells = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      const { x, y, w, h } = gridPos;
      expect(x + w, title).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column += 1)
        for (let line = y; line < y + h; line += 1) {
          expect(cells.has(`${column} ${line}`), title).toBe(false);
          cells.add(`${column} ${line}`);
        }
    }
  });

  test('ids of panels and of their queries are unique', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { targets = [] } of panels)
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
  });

  test('links to traces name a datasource that is provisioned, and are TraceQL for Tempo', () => {
    for (const { title, fieldConfig } of panels)
      for (const { url } of fieldConfig?.defaults.links ?? []) {
        const { a: pane } = JSON.parse(new URLSearchParams(url.split('?')[1]).get('panes') ?? '');
        expect(
          DATASOURCES.map(({ uid }) => uid),
          title,
        ).toContain(pane.datasource);
        const [query] = pane.queries;
        if (pane.datasource === 'tempo') checkTraceql(query.query.replace(/\$\{[^}]+\}/, 'main'));
        else expect(query.tags).toMatch(/^vcon\.[a-z.]+=\$\{__field\.labels\.[a-z_]+\}$/);
      }
  });

  test('a link of the dashboards leads to the others', () => {
    expect(dashboard.tags).toEqual(['vcon']);
    expect(dashboard.text).toContain('"type": "dashboards"');
  });
});

describe('the datasources', () => {
  test('are services of the stack', () => {
    expect(DATASOURCES.map(({ uid }) => uid)).toEqual(['prometheus', 'jaeger', 'tempo']);
    for (const { url } of DATASOURCES) expect(Object.keys(COMPOSE.services)).toContain(new URL(url).hostname);
  });

  test('those that one of them names exist', () => {
    const uids = DATASOURCES.map(({ uid }) => uid);
    const named = [...JSON.stringify(DATASOURCES).matchAll(/"datasourceUid":"([^"]+)"/g)].map(
      ([, uid]) => uid,
    );
    expect(named.length).toBeGreaterThan(3);
    for (const uid of named) expect(uids).toContain(uid);
  });

  test('their queries are PromQL, of metrics that somebody makes', () => {
    const queries = DATASOURCES.flatMap(({ jsonData }) => {
      const { queries = [] } = (jsonData.tracesToMetrics ?? {}) as { queries?: { query: string }[] };
      return queries.map(({ query }) => query.replace('$$__tags', 'vcon_chain_name="main"'));
    });
    expect(queries).toHaveLength(6);
    for (const query of queries) expect(unknownMetricsIn(query)).toEqual([]);
  });

  test('the dashboards are mounted where their provider looks', () => {
    const [provider] = stackFile('deploy/grafana/dashboards.yaml').providers;
    expect(COMPOSE.services.grafana?.volumes).toContain(
      `./deploy/grafana/dashboards:${provider.options.path}:ro`,
    );
    const home = COMPOSE.services.grafana?.environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH;
    expect(COMMITTED.map(({ file }) => `${provider.options.path}/${file}`)).toContain(home);
  });
});
