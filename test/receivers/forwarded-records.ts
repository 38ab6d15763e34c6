import type { RecordFact } from '../../src/model/fact.ts';
import type { FactSink } from '../../src/model/fact-sink.ts';
import type { Facts, Received } from '../../src/model/received.ts';

/** The JSON of a record as a forwarder in Python writes it, told apart by its number. */
export function recordText(seq: number, changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    v: 1,
    kind: 'run',
    tracer: 'jlinc',
    in: `uuid-${seq}`,
    out: `uuid-${seq}`,
    links: ['transcribe', 'analyze', 'tag'],
    index: seq % 3,
    ts: String(1_700_000_000_000_000_000n + BigInt(seq)),
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    span_id: 'b7ad6b7169203331',
    root_span_id: 'b7ad6b7169203332',
    chain: 'main',
    worker: { host: 'conserver-1', pid: 42 },
    seq,
    vcon_sha256: 'a'.repeat(64),
    ...changes,
  });
}

/** An sink that keeps what it was handed, and does as it is told. */
export class KeptIntake implements FactSink {
  full = false;
  readonly records: RecordFact[] = [];
  readonly received: Received[] = [];
  /** What it was told about whether a source is behind. */
  readonly behind: boolean[] = [];
  /** How often it was told that another adapter had read before. */
  takeOvers = 0;
  /** What {@link durable} does. */
  whenDurable: () => Promise<void> = async () => {};
  readonly #seen = new Set<number>();

  /** How many different records it has. */
  get distinct(): number {
    return this.#seen.size;
  }

  get seqs(): number[] {
    return this.records.map(({ seq }) => seq);
  }

  async take(received: Received, { records }: Facts) {
    this.received.push(received);
    return (records as readonly RecordFact[]).map((record) => {
      const outcome = this.#seen.has(record.seq) ? 'duplicate' : 'accepted';
      this.#seen.add(record.seq);
      this.records.push(record);
      return { outcome, delivered: async () => {} } as const;
    });
  }

  durable(): Promise<void> {
    return this.whenDurable();
  }

  takenOver(): void {
    this.takeOvers += 1;
  }

  catchingUp(_source: string, behind: boolean): void {
    this.behind.push(behind);
  }
}
