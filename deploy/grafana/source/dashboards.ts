import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { adapterHealth } from './adapter-health.ts';
import { auditTracers } from './audit-tracers.ts';
import { chains } from './chains.ts';
import { links } from './links.ts';
import { queues } from './queues.ts';
import { storages } from './storages.ts';

/** Every dashboard. */
export const DASHBOARDS: readonly Dashboard[] = [
  chains,
  links,
  storages,
  queues,
  auditTracers,
  adapterHealth,
];

/** The text of a dashboard's file. */
export function textOf(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
