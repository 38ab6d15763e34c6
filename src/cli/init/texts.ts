import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

/** What a configuration is to say. */
export interface InitAnswers {
  readonly conserverConfig: string | undefined;
  readonly redisUrl: string;
  /** Then the file names the variable, since a URL may hold a password. */
  readonly redisFromEnvironment: boolean;
  readonly audit: 'compliance' | 'audit_log' | 'none';
  readonly otlpEndpoint: string | undefined;
  readonly adminPort: number;
}

/** What goes beside the server's `main.py`. */
export const FACTS_FILE = fileURLToPath(
  new URL('../../../integrations/conserver/vcon_otel.py', import.meta.url),
);
const SCHEMA = fileURLToPath(new URL('../../../config.schema.json', import.meta.url));

/** The configuration, with the name of its schema for editors. */
export function configText(answers: InitAnswers): string {
  const { conserverConfig, redisUrl, redisFromEnvironment, audit, otlpEndpoint, adminPort } = answers;
  const url = redisFromEnvironment ? `$${'{REDIS_URL}'}` : redisUrl;
  const options =
    audit === 'compliance' ? { directory: './data/ledger' } : { log_file: './data/audit.jsonl' };
  const config = {
    service_name: 'conserver',
    ...(conserverConfig && { conserver_config: conserverConfig }),
    ...(audit !== 'none' && { tracers: { audit: { module: `tracers.${audit}`, options } } }),
    vcon_store: { type: 'redis', url },
    receivers: { redis_stream: { stream: 'vcon-otel:events' } },
    ...(otlpEndpoint && { exporters: { otlp: { endpoint: otlpEndpoint } } }),
    journal: { type: 'sqlite', path: './data/journal.db' },
    admin: { host: '127.0.0.1', port: adminPort },
  };
  return `# yaml-language-server: $schema=${SCHEMA}
# Every key is in docs/configuration.md; a chain's own \`tracers:\` says which of these hear it.
${stringify(config)}`;
}

/** The blocks for the server's own file. */
export function serverText(): string {
  return `# For the server's config.yml. pip_name points to nothing, so that the server cannot install something of this name.
imports:
  vcon_otel: { module: vcon_otel, pip_name: /not/from/the/internet }
tracers:
  vcon_otel: { module: vcon_otel, pip_name: /not/from/the/internet, options: { mode: redis } }
`;
}
