import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { diag } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { withDeadline } from '../model/deadline.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { prometheusName, prometheusUnit } from './prometheus-name.ts';

const log = diag.createComponentLogger({ namespace: 'vcon-otel/prometheus' });

const LISTEN_MILLIS = 10_000;
/** A scrape is a request of a few hundred bytes; whoever takes longer is no Prometheus. */
const REQUEST_MILLIS = 5_000;
const COLLECT_MILLIS = 5_000;
const CLOSE_MILLIS = 2_000;
const WARN_MILLIS = 60_000;
const MAX_CONNECTIONS = 100;

/** A running scrape endpoint. */
export interface PrometheusEndpoint {
  /** Goes into the `MeterProvider`, whose shutdown closes the endpoint too. */
  readonly reader: MetricReader;
  /** Where Prometheus scrapes. */
  readonly url: string;
  /** Stops listening; a scrape under way may finish within two seconds. Safe twice. */
  close(): Promise<void>;
}

/**
 * Serves metrics to Prometheus on `/metrics`, under the names that the Collector gives them. Port 0 takes a free one.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`
 */
export async function startPrometheus(settings: {
  readonly host: string;
  readonly port: number;
}): Promise<PrometheusEndpoint> {
  const server = createServer({
    headersTimeout: REQUEST_MILLIS,
    requestTimeout: REQUEST_MILLIS,
    connectionsCheckingInterval: REQUEST_MILLIS,
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(2 * REQUEST_MILLIS);
  const port = await listen(server, settings);
  const reader = new ScrapeReader(server);
  server.on('request', (request, response) => void answer(request, response, reader));
  // As with the SDK's own endpoint: metrics alone keep no process alive.
  server.unref();
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  return { reader, url: `http://${host}:${port}/metrics`, close: () => reader.close() };
}

class ScrapeReader extends MetricReader {
  readonly #server: Server;
  readonly #serializer = new PrometheusSerializer();
  #quietUntil = 0;
  #closed: Promise<void> | undefined;

  constructor(server: Server) {
    super();
    this.#server = server;
  }

  async scrape(): Promise<string> {
    const { resourceMetrics, errors } = await this.collect({ timeoutMillis: COLLECT_MILLIS });
    if (errors.length > 0) this.warn(`${errors.length} observations failed: ${errorType(errors[0])}`);
    const { resource } = resourceMetrics;
    // Some of the host's attributes are looked up; read before that, they are missing and the SDK logs an error.
    await withDeadline(Promise.resolve(resource.waitForAsyncAttributes?.()), COLLECT_MILLIS, 'the resource');
    const text = this.#serializer.serialize(translate(resourceMetrics));
    return text.endsWith('\n') ? text : `${text}\n`;
  }

  /** Whoever can reach the port decides how often there is something to say: once a minute is enough. */
  warn(message: string): void {
    const now = performance.now();
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + WARN_MILLIS;
    log.warn(message);
  }

  close(): Promise<void> {
    this.#closed ??= closeServer(this.#server);
    return this.#closed;
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override onShutdown(): Promise<void> {
    return this.close();
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  reader: ScrapeReader,
): Promise<void> {
  if (request.url?.split('?', 1)[0] !== '/metrics') return send(response, 404, 'not found\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(response, 405, 'method not allowed\n');
  }
  try {
    send(response, 200, await reader.scrape(), 'text/plain; version=0.0.4; charset=utf-8');
  } catch (error) {
    reader.warn(`metrics could not be collected: ${errorType(error)}`);
    send(response, 503, 'metrics are not available\n');
  }
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  const body = Buffer.from(text);
  response.writeHead(status, { 'content-type': type, 'content-length': body.length });
  response.end(body);
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

async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  try {
    const listening = once(server, 'listening');
    server.listen({ host, port });
    await withDeadline(listening, LISTEN_MILLIS, 'listening');
  } catch (cause) {
    server.close();
    throw new VconOtelError(
      'ADDRESS_UNAVAILABLE',
      `exporters.prometheus: cannot listen on ${host} port ${port}: ${errorType(cause)}`,
      { path: 'exporters.prometheus', cause },
    );
  }
  server.on('error', (error) => log.warn(`the scrape endpoint has trouble: ${errorType(error)}`));
  return (server.address() as AddressInfo).port;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MILLIS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
