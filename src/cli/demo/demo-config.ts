import { join } from 'node:path';
import { parseConfig } from '../../config/load-config.ts';
import type { Address } from '../../model/address.ts';
import type { DemoChains } from './chains.ts';
import type { Files } from './closing.ts';

/** Where a demo leaves its files in a folder. */
export function filesIn(out: string): Files {
  return {
    traces: join(out, 'traces.otlp.jsonl'),
    audit: join(out, 'audit.jsonl'),
    database: join(out, 'db-audit.db'),
    journal: join(out, 'journal.db'),
    ledger: join(out, 'ledger'),
  };
}

/**
 * What a demo is configured to do.
 * @param admin where its page is, if it has one
 */
export function configFor(
  { chains }: DemoChains,
  { traces, audit, database, journal, ledger }: Files,
  admin?: Address,
) {
  return parseConfig({
    service_name: 'vcon-otel-demo',
    log_level: 'warn',
    ...(admin && { admin }),
    tracers: {
      audit: {
        module: 'tracers.audit_log',
        options: { log_file: audit, record: 'both', include_vcon_data: true },
      },
      db: { module: 'tracers.db_audit', options: { driver: 'sqlite', database } },
      compliance: {
        module: 'tracers.compliance',
        options: { directory: ledger, origin: 'vcon-otel.local/demo' },
      },
    },
    chains: Object.fromEntries(
      chains.map(({ chain, ingressList }) => [
        chain.name,
        {
          links: chain.links.map(({ name }) => name),
          storages: (chain.storages ?? []).map(({ name }) => name),
          ingress_lists: [ingressList],
          egress_lists: [...(chain.egressLists ?? [])],
        },
      ]),
    ),
    exporters: { otlp_file: { path: traces } },
    journal: { type: 'sqlite', path: journal },
  });
}
