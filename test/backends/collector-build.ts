import { stringify } from 'yaml';

/**
 * Versions of the Collector to build, best first. The image of the stack is the first; where not all of its modules can be
 * fetched, the next one reads the same file.
 */
export const COLLECTOR_VERSIONS: readonly string[] = ['0.164.0', '0.161.0'];

/** Components that some module proxies do not have; what is seen in the others does not depend on them. */
export const OPTIONAL_COMPONENTS: readonly string[] = ['service_graph'];

const CORE = 'go.opentelemetry.io/collector';
const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib';

/** The modules of the components that otel-collector.yaml names. */
const MODULES = {
  receivers: { otlp: `${CORE}/receiver/otlpreceiver` },
  processors: {
    memory_limiter: `${CORE}/processor/memorylimiterprocessor`,
    redaction: `${CONTRIB}/processor/redactionprocessor`,
    transform: `${CONTRIB}/processor/transformprocessor`,
    filter: `${CONTRIB}/processor/filterprocessor`,
    tail_sampling: `${CONTRIB}/processor/tailsamplingprocessor`,
  },
  exporters: {
    otlp_grpc: `${CORE}/exporter/otlpexporter`,
    otlp_http: `${CORE}/exporter/otlphttpexporter`,
  },
  extensions: {
    health_check: `${CONTRIB}/extension/healthcheckextension`,
    file_storage: `${CONTRIB}/extension/storage/filestorage`,
  },
  connectors: {
    forward: `${CORE}/connector/forwardconnector`,
    span_metrics: `${CONTRIB}/connector/spanmetricsconnector`,
    service_graph: `${CONTRIB}/connector/servicegraphconnector`,
  },
} as const;

/** Every component that a built Collector has, as `processors/transform`. */
export const COMPONENTS: readonly string[] = Object.entries(MODULES).flatMap(([kind, modules]) =>
  Object.keys(modules).map((name) => `${kind}/${name}`),
);

/** The manifest that the Collector's builder takes, which leaves the file `program`. */
export function manifest(version: string, without: readonly string[]): string {
  const kinds = Object.entries(MODULES).map(([kind, modules]) => [
    kind,
    Object.entries(modules)
      .filter(([name]) => !without.includes(name))
      .map(([, module]) => ({ gomod: `${module} v${version}` })),
  ]);
  return stringify({
    dist: { name: 'program', output_path: '.', version },
    ...Object.fromEntries(kinds),
  });
}
