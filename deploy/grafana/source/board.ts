import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { PROMETHEUS } from './panel.ts';

/** A variable of a dashboard: the values of a label, all of them by default. */
export interface Choice {
  readonly name: string;
  readonly label: string;
  /** Of this metric. */
  readonly metric: string;
  readonly value: string;
}

/** A part of a dashboard under a title. */
export interface Row {
  readonly title: string;
  readonly panels: readonly cog.Builder<dashboard.Panel>[];
}

/** What a dashboard is made of. */
export interface BoardSettings {
  /** Part of its address: never changes. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly choices: readonly Choice[];
  readonly rows: readonly Row[];
}

/** Makes a dashboard: read-only, an hour by default, linked to the others. */
export function board({ uid, title, description, choices, rows }: BoardSettings): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['vcon'])
    .readonly()
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(
      new dashboard.DashboardLinkBuilder('vCon')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(['vcon'])
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(
      new dashboard.DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'),
    );
  for (const choice of choices) builder.withVariable(variable(choice));
  for (const row of rows) {
    builder.withRow(new dashboard.RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panel);
  }
  const made = builder.build();
  // A provisioned dashboard that has ids is the same after every start.
  made.panels?.forEach((panel, index) => {
    panel.id = index + 1;
  });
  return made;
}

function variable({ name, label, metric, value }: Choice): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(PROMETHEUS)
    .query(`label_values(${metric}, ${value})`)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' });
}
