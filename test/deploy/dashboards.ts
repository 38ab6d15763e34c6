import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './stack-files.ts';

const FOLDER = join(ROOT, 'deploy/grafana/dashboards');

/** A panel as Grafana reads it, as far as it is looked at. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title?: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
  }[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly links?: readonly { readonly url: string }[] };
  };
}

/** A dashboard as it is committed. */
export interface CommittedDashboard {
  readonly file: string;
  readonly text: string;
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
  readonly panels: readonly Panel[];
}

/** Every file that Grafana finds. */
export const COMMITTED: readonly CommittedDashboard[] = readdirSync(FOLDER).map((file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  return { ...JSON.parse(text), file, text };
});

/** The panels that show something: rows do not. */
export function panelsOf({ panels }: CommittedDashboard): readonly Panel[] {
  return panels.filter(({ type }) => type !== 'row');
}

/** A query with values for what Grafana fills in. */
export function filledIn(query: string, rateInterval = '5m'): string {
  return query.replaceAll('$__rate_interval', rateInterval).replaceAll(/\$(job|chain|link|tracer)\b/g, '.*');
}
