import type { SocketOptions } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { diag } from '@opentelemetry/api';
import type { StatsCb, StatsD } from 'hot-shots';
import { z } from 'zod';
import { withDeadline } from '../model/deadline.ts';
import { keepsNothing } from '../model/erasure.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { EventName } from '../model/event.ts';
import { ok, problem } from '../model/finding.ts';
import { matching } from '../model/options/values.ts';
import { type ConserverTracer, defineTracer, type EventContext, type Options } from '../model/tracer.ts';

const schema = z.strictObject({
  statsd_host: z.string().min(1).default('127.0.0.1'),
  statsd_port: z.int().min(1).max(65_535).default(8125),
  // hot-shots sends a prefix as it is: a `:` or a line break in it would make other metrics of it.
  prefix: matching(/^[\w.-]*$/, 'letters, digits, _, - and .').default('vcon'),
});

/**
 * The conserver's documented StatsD tracer: `<prefix>.events.<event>`, `<prefix>.duration.<chain|link|storage>` in
 * milliseconds, `<prefix>.errors.total`. A call is answered when the system took its packets.
 */
export default defineTracer({
  options: schema,
  create: (options) => new StatsdTracer(options),
  erasure: keepsNothing,
  async probe({ statsd_host, statsd_port }) {
    try {
      // As its socket looks for it. That somebody listens there, UDP does not tell.
      if (!isIP(statsd_host)) await lookup(statsd_host, { family: 4 });
      return [ok(`packets go to ${statsd_host} port ${statsd_port}`)];
    } catch (error) {
      return [problem(`the host ${statsd_host} is not found (${errorType(error)})`, 'check statsd_host')];
    }
  },
});

class StatsdTracer implements ConserverTracer {
  readonly #options: z.output<typeof schema>;
  #client: Promise<StatsD> | undefined;
  #sending = 0;
  #closed: Promise<void> | undefined;

  constructor(options: z.output<typeof schema>) {
    this.#options = options;
  }

  async trace(_vconUuid: string, event: EventName, _opts: Options, context: EventContext): Promise<void> {
    if (this.#closed) throw new VconOtelError('TRACER_FAILED', 'the StatsD client is closed');
    if (this.#sending >= MAX_SENDING)
      throw new VconOtelError('TRACER_FAILED', 'too many events are waiting for the StatsD host');
    this.#sending += 1;
    try {
      this.#client ??= connect(this.#options);
      const sent = this.#client.then((client) => send(client, event, context));
      await withDeadline(sent, TIMEOUT, 'sending to StatsD');
    } finally {
      this.#sending -= 1;
    }
  }

  shutdown(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // Where it could not be loaded every call has said so, and there is nothing to close.
    const client = await this.#client?.catch(() => undefined);
    if (client)
      await withDeadline(
        done((callback) => client.close(callback)),
        TIMEOUT,
        'closing StatsD',
      );
  }
}

/** Milliseconds that a packet (with the look-up of the host) or the closing may take. */
const TIMEOUT = 5_000;
/** Events under way at once; more only pile up while the host's name cannot be looked up. */
const MAX_SENDING = 1_000;
/** Milliseconds for which an address is kept. */
const ADDRESS_TTL = 60_000;

const log = diag.createComponentLogger({ namespace: 'vcon-otel/metrics' });

async function connect({ statsd_host, statsd_port, prefix }: z.output<typeof schema>): Promise<StatsD> {
  const { StatsD } = await import('hot-shots');
  return new StatsD({
    protocol: 'udp',
    host: statsd_host,
    port: statsd_port,
    prefix,
    udpSocketOptions: socketOptions(statsd_host),
    // Else DD_* variables of the environment add tags and packets.
    datadog: false,
    includeDataDogTags: false,
    errorHandler: (error) => log.warn(`StatsD socket failed: ${errorType(error)}`),
  });
}

function socketOptions(host: string): SocketOptions {
  const version = isIP(host);
  return version ? { type: `udp${version === 6 ? 6 : 4}` } : { type: 'udp4', lookup: keepAddress(host) };
}

/**
 * A socket asks for the address of every packet: this asks once at a time and keeps the answer. (hot-shots' `cacheDns`
 * takes whatever address comes first, `::1` for `localhost` on many machines, which its IPv4 socket refuses.)
 */
function keepAddress(host: string): NonNullable<SocketOptions['lookup']> {
  let address: Promise<string> | undefined;
  let until = 0;
  const find = async () => {
    try {
      const found = await lookup(host, { family: 4 });
      until = performance.now() + ADDRESS_TTL;
      return found.address;
    } catch (error) {
      until = 0;
      throw error;
    }
  };
  return (name, _options, callback) => {
    // The socket's own address, when it binds.
    if (name !== host) return callback(null, name, 4);
    if (!address || performance.now() > until) {
      until = Number.POSITIVE_INFINITY;
      address = find();
    }
    address.then(
      (found) => callback(null, found, 4),
      (error: NodeJS.ErrnoException) => callback(error, '', 4),
    );
  };
}

async function send(
  client: StatsD,
  event: EventName,
  { stage, phase, duration }: EventContext,
): Promise<void> {
  const packets = [done((callback) => client.increment(`events.${event}`, 1, callback))];
  // A lost chain has none: what it has is the time until that was found out.
  if (duration !== undefined && phase !== 'lost') {
    // Whole microseconds: seconds times a thousand would end in 0000000001.
    const milliseconds = Math.round(duration * 1e6) / 1e3;
    packets.push(done((callback) => client.timing(`duration.${stage}`, milliseconds, callback)));
  }
  if (phase === 'error') packets.push(done((callback) => client.increment('errors.total', 1, callback)));
  await Promise.all(packets);
}

/** A promise of what hot-shots tells its callback. */
function done(call: (callback: StatsCb) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
}
