import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { PageHandler } from '../../admin/admin-server.ts';
import { withDeadline } from '../../model/deadline.ts';
import { errorType } from '../../model/error.ts';
import { ThrottledLog } from '../../model/throttled-log.ts';
import { prometheusName, prometheusUnit } from './metric-name.ts';

const COLLECT_MILLIS = 5_000;

/** Reads the metrics when somebody asks for them, and writes them as Prometheus reads them, under the names that the Collector gives them. */
export class ScrapeReader extends MetricReader {
  readonly #serializer = new PrometheusSerializer();
  /** Whoever can reach the port decides how often there is something to say. */
  readonly #log = new ThrottledLog('vcon-otel/prometheus');
  readonly #ended: () => Promise<void>;

  /** @param ended is done when the reader is shut down, with its `MeterProvider` */
  constructor(ended: () => Promise<void> = async () => {}) {
    super();
    this.#ended = ended;
  }

  /** Answers a scrape, or 503 while there are no metrics. */
  readonly page: PageHandler = async () => {
    try {
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await this.#scrape() };
    } catch (error) {
      this.#log.warn('scrape', `metrics could not be collected: ${errorType(error)}`);
      return { status: 503, type: 'text/plain; charset=utf-8', body: 'metrics are not available\n' };
    }
  };

  protected override async onForceFlush(): Promise<void> {}

  protected override onShutdown(): Promise<void> {
    return this.#ended();
  }

  async #scrape(): Promise<string> {
    const { resourceMetrics, errors } = await this.collect({ timeoutMillis: COLLECT_MILLIS });
    if (errors.length > 0)
      this.#log.warn('observations', `${errors.length} observations failed: ${errorType(errors[0])}`);
    const { resource } = resourceMetrics;
    // Some of the host's attributes are looked up; read before that, they are missing and the SDK logs an error.
    await withDeadline(Promise.resolve(resource.waitForAsyncAttributes?.()), COLLECT_MILLIS, 'the resource');
    const text = this.#serializer.serialize(translate(resourceMetrics));
    return text.endsWith('\n') ? text : `${text}\n`;
  }
}

/** The names are changed on this road only: over OTLP the Collector does it. */
function translate({ resource, scopeMetrics }: ResourceMetrics): ResourceMetrics {
  // Command lines and file paths are not for whoever can reach this port.
  const shown = Object.entries(resource.attributes).filter(([key]) => !key.startsWith('process.'));
  return {
    resource: resourceFromAttributes(Object.fromEntries(shown)),
    scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({
      scope,
      metrics: metrics.map((metric) => ({
        ...metric,
        descriptor: {
          ...metric.descriptor,
          name: prometheusName(metric),
          unit: prometheusUnit(metric.descriptor.unit),
        },
      })),
    })),
  };
}
