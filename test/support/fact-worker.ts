import { randomBytes, randomUUID } from 'node:crypto';

/** A chain as a process in the server runs it. */
export interface WorkedChain {
  readonly name: string;
  readonly links: readonly string[];
  readonly storages: readonly string[];
}

/** A fact on the wire (docs/facts.md, record v2), its number apart. */
type Fact = Readonly<Record<string, unknown>> & { readonly kind: string };

/** A process inside a Python conserver, as its facts tell of it: of complete runs, with OpenTelemetry. */
export class FactWorker {
  readonly #head: object;
  #seq = 0;

  constructor(pid: number) {
    this.#head = { v: 2, host: 'conserver-1', pid, boot: `${nanoseconds()}` };
  }

  /** The text of its first fact. */
  attach(): string {
    const hooks = { before_processing: true, after_processing: true, after_link: true };
    return this.#text({
      kind: 'attach',
      process: 'MainProcess',
      spans: 'server',
      hooks,
      extras: { peek: true },
    });
  }

  /** The texts of the facts of a run on a thread, each made when it is asked for. */
  *run(
    thread: number,
    { name, links, storages }: WorkedChain,
    vcon: string = randomUUID(),
  ): Generator<string, void, undefined> {
    const run = this.#seq + 1;
    const trace = randomBytes(16).toString('hex');
    const own = { thread, run };
    const about = { ...own, chain: name, vcon, trace };
    const chain = { ...about, stage: 'chain', name, span: spanId(), start: `${nanoseconds()}` };
    yield this.#text({
      ...own,
      kind: 'run_start',
      vcon,
      chain: name,
      links,
      storages,
      egress_lists: [],
      proceed: true,
    });
    yield this.#text({ ...chain, kind: 'span_start' });
    for (const [index, link] of links.entries()) {
      const step = {
        ...about,
        stage: 'link',
        name: link,
        index,
        span: spanId(),
        parent: chain.span,
        start: `${nanoseconds()}`,
      };
      const call = {
        ...own,
        kind: 'tracer',
        tracer: 'vcon_otel',
        in: vcon,
        out: vcon,
        links,
        chain: name,
        span: step.span,
        trace,
        parent: chain.span,
      };
      yield this.#text({ ...step, kind: 'span_start' });
      if (index === 0) yield this.#text({ ...call, index: -1 });
      yield this.#text({ ...own, kind: 'after_link', link, halted: false, next: vcon });
      yield this.#text({ ...call, index });
      yield this.#text({ ...step, kind: 'span_end', end: `${nanoseconds()}`, status: 'UNSET' });
    }
    for (const storage of storages) {
      const step = {
        ...about,
        stage: 'storage',
        name: storage,
        span: spanId(),
        parent: chain.span,
        start: `${nanoseconds()}`,
      };
      yield this.#text({ ...step, kind: 'span_start' });
      yield this.#text({ ...step, kind: 'span_end', end: `${nanoseconds()}`, status: 'UNSET' });
    }
    yield this.#text({ ...chain, kind: 'span_end', end: `${nanoseconds()}`, status: 'OK' });
    yield this.#text({ ...own, kind: 'run_end', vcon });
  }

  #text(fact: Fact): string {
    this.#seq += 1;
    return JSON.stringify({ ...this.#head, ...fact, seq: this.#seq, ts: `${nanoseconds()}` });
  }
}

function spanId(): string {
  return randomBytes(8).toString('hex');
}

/** Since the Unix epoch, to a microsecond. */
function nanoseconds(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1_000n;
}
