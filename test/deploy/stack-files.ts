import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The project's root. */
export const ROOT = join(import.meta.dirname, '../..');

/** A file of the stack, parsed. */
export function stackFile(path: string) {
  return parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true });
}

/** A service of docker-compose.yml, as far as it is looked at. */
export interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly command?: string | readonly string[];
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>;
  readonly restart?: string;
  readonly mem_limit?: string;
  readonly healthcheck?: object;
}

/** docker-compose.yml. */
export const COMPOSE: {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, null>>;
} = stackFile('docker-compose.yml');

/** A pipeline of the Collector. */
export interface Pipeline {
  readonly receivers: readonly string[];
  readonly processors?: readonly string[];
  readonly exporters: readonly string[];
}

/** otel-collector.yaml. */
export const COLLECTOR: {
  readonly [kind in 'receivers' | 'processors' | 'exporters' | 'connectors' | 'extensions']: Readonly<
    Record<string, Readonly<Record<string, unknown>>>
  >;
} & {
  readonly service: {
    readonly extensions: readonly string[];
    readonly pipelines: Readonly<Record<string, Pipeline>>;
  };
} = stackFile('otel-collector.yaml');
