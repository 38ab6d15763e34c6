import type { ThrottledLog } from '../../model/throttled-log.ts';
import type { ReceiverCounts } from '../counts.ts';
import type { ConsumerGroup, DeadLetter } from './consumer-group.ts';

/** An entry that will never be processed, and how it counts. */
export interface SetAside {
  readonly id: string;
  readonly reason: string;
  readonly text: string;
  readonly outcome: 'rejected' | 'set_aside';
}

/**
 * Entries that are finished but not yet acknowledged. While Redis is down or out of memory they wait here rather than
 * there, so that they are not delivered again.
 */
export class Settlement {
  readonly #group: ConsumerGroup;
  readonly #counts: ReceiverCounts;
  readonly #log: ThrottledLog;
  #done: string[] = [];
  readonly #aside = new Map<string, DeadLetter & Pick<SetAside, 'outcome'>>();
  #bytes = 0;
  #notBefore = 0;

  constructor(group: ConsumerGroup, counts: ReceiverCounts, log: ThrottledLog) {
    this.#group = group;
    this.#counts = counts;
    this.#log = log;
  }

  /** Entries that cannot be set aside at the moment. */
  get waiting(): number {
    return this.#aside.size;
  }

  /** Whether nothing more should be read until some of them are settled. */
  get full(): boolean {
    return this.#aside.size >= MAX_ASIDE || this.#bytes >= MAX_BYTES;
  }

  /** Whether an entry waits here: Redis still has it as pending. */
  has(id: string): boolean {
    return this.#aside.has(id);
  }

  /** Whether there is more to do than acknowledging {@link finished}. */
  get isCrowded(): boolean {
    return this.#aside.size > 0 || this.#done.length > PAGE;
  }

  /** Finished entries that are to be acknowledged next. */
  get finished(): readonly string[] {
    return this.#done.slice(0, PAGE);
  }

  /** So many of the finished entries, the first ones, have been acknowledged. */
  acknowledged(count: number): void {
    this.#done = this.#done.slice(count);
  }

  acknowledge(ids: readonly string[]): void {
    this.#done = this.#done.concat(ids);
  }

  setAside({ id, reason, text, outcome }: SetAside): void {
    const record = cut(text);
    this.#aside.set(id, { id, reason, record, outcome });
    this.#bytes += record.byteLength;
  }

  /**
   * Acknowledges finished entries, and sets aside those that have to be.
   * @throws VconOtelError `STORE_UNAVAILABLE`; what could not be settled stays
   */
  async flush(): Promise<void> {
    await this.#acknowledge();
    if (performance.now() >= this.#notBefore)
      while (this.#aside.size > 0) if (!(await this.#buryPage())) break;
    await this.#acknowledge();
  }

  async #acknowledge(): Promise<void> {
    while (this.#done.length > 0) {
      const { finished } = this;
      await this.#group.acknowledge(finished);
      this.acknowledged(finished.length);
    }
  }

  /**
   * Not in one transaction with the acknowledgement, which would be executed even if the dead letter was refused (because
   * `:dead` is a key of another type). So a crash in between may leave a dead letter twice, but never none.
   */
  async #buryPage(): Promise<boolean> {
    const page = [...this.#aside.values()].slice(0, PAGE_ASIDE);
    const refusals = await this.#group.bury(page);
    for (const [index, { id, record, reason, outcome }] of page.entries()) {
      if (refusals[index] !== undefined) continue;
      this.#aside.delete(id);
      this.#bytes -= record.byteLength;
      this.#done.push(id);
      this.#counts.add('records', outcome);
      this.#log.warn(outcome, `an entry of the stream was set aside: ${reason}`);
    }
    const refusal = refusals.find((code) => code !== undefined);
    if (refusal === undefined) return true;
    this.#notBefore = performance.now() + RETRY;
    this.#log.warn('refused', `entries of the stream cannot be set aside: ${refusal}`);
    return false;
  }
}

const PAGE = 1_000;
const PAGE_ASIDE = 100;
const MAX_ASIDE = 1_000;
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_RECORD_BYTES = 64 * 1024;
/** Milliseconds. */
const RETRY = 1_000;
const encoder = new TextEncoder();

/** A copy, since a piece of a string would keep all of it, and up to a whole character. */
function cut(text: string): Uint8Array {
  if (text.length * 3 <= MAX_RECORD_BYTES) return encoder.encode(text);
  const bytes = new Uint8Array(MAX_RECORD_BYTES);
  return bytes.slice(0, encoder.encodeInto(text, bytes).written);
}
