import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

/** What a panel shows. */
export interface PanelSettings {
  readonly title: string;
  /** What it shows, and what a bad value means. */
  readonly description: string;
  /** Grafana's name of a unit. */
  readonly unit: string;
  /** PromQL, each with how its series are called (`{{label}}`). */
  readonly queries: readonly (readonly [query: string, legend: string])[];
  /** Of 24 columns. */
  readonly width?: number;
  /** From which values on it is yellow and red. */
  readonly warn?: number;
  readonly alarm?: number;
  /** Where a click on a series leads. */
  readonly links?: readonly DataLink[];
  /** Says why, where there is nothing. */
  readonly empty?: string;
}

/** A link with the values of a series in it. */
export interface DataLink {
  readonly title: string;
  readonly url: string;
}

/** A chart over time. @param stacked adds series up, where their sum means something */
export function chart(settings: PanelSettings & { readonly stacked?: boolean }): timeseries.PanelBuilder {
  const panel = new timeseries.PanelBuilder()
    .fillOpacity(settings.stacked ? 40 : 8)
    .lineWidth(1)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    )
    .min(0)
    .height(8)
    .span(settings.width ?? 12);
  if (settings.stacked) panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  for (const [outcome, colour] of OUTCOME_COLOURS)
    panel.overrideByRegexp(`/(^|[ ·])${outcome}$/`, [
      { id: 'color', value: { mode: 'fixed', fixedColor: colour } },
    ]);
  return filled(panel, settings, false);
}

/** The newest value, large. */
export function figure(settings: PanelSettings): stat.PanelBuilder {
  const panel = new stat.PanelBuilder()
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.Area)
    .height(4)
    .span(settings.width ?? 4);
  return filled(panel, settings, false);
}

/** The newest values beside one another, the largest first. */
export function ranking(settings: PanelSettings): bargauge.PanelBuilder {
  const panel = new bargauge.PanelBuilder()
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .min(0)
    .height(8)
    .span(settings.width ?? 12);
  return filled(panel, settings, true);
}

/** The datasource that the reader chose. */
export const PROMETHEUS = { type: 'prometheus', uid: '$datasource' };

/** Green, yellow, purple and red mean the same everywhere. */
const OUTCOME_COLOURS: readonly (readonly [outcome: string, colour: string])[] = [
  ['(complete|success|ok|exported|accepted)', 'green'],
  ['(halted|halt|retried|skipped|late|duplicate)', 'yellow'],
  ['unknown', 'purple'],
  ['(error|failed|dead|dropped|rejected|refused|lost|set_aside)', 'red'],
];

type Panel = timeseries.PanelBuilder | stat.PanelBuilder | bargauge.PanelBuilder;

function filled<P extends Panel>(panel: P, settings: PanelSettings, instant: boolean): P {
  const { title, description, unit, queries, warn, alarm, links = [], empty } = settings;
  panel
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(PROMETHEUS)
    .noValue(empty ?? 'none');
  panel.thresholds(
    new dashboard.ThresholdsConfigBuilder()
      .mode(dashboard.ThresholdsMode.Absolute)
      .steps([
        { value: null, color: 'green' },
        ...(warn === undefined ? [] : [{ value: warn, color: 'yellow' }]),
        ...(alarm === undefined ? [] : [{ value: alarm, color: 'red' }]),
      ]),
  );
  queries.forEach(([query, legend], index) => {
    const target = new prometheus.DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .datasource(PROMETHEUS)
      .expr(query)
      .legendFormat(legend)
      // Only what the Collector makes of spans has exemplars.
      .exemplar(query.includes('traces_span_metrics_'));
    panel.withTarget(instant ? target.instant() : target.range());
  });
  panel.dataLinks(
    links.map((link) => new dashboard.DashboardLinkBuilder(link.title).url(link.url).targetBlank(true)),
  );
  return panel;
}
