import { ThrottledLog } from '../model/throttled-log.ts';

/** Milliseconds that a first loss waits for others of the same burst, so that they share one line. */
const GATHER = 1_000;

/** Why spans never reached an exporter, and what is said of each. */
const DROPPED = {
  full: 'the queue was full',
  ended: 'shut down before they were sent',
  unwritable: 'the disk takes nothing',
  no_room: 'there was no room on the disk',
  too_old: 'older than the retention of the journal',
  unreadable: 'gone from the disk, or damaged there',
} as const;

/** Why spans never reached an exporter. */
export type DropReason = keyof typeof DROPPED;

/** Logs how many spans were lost: one line for a burst, then at most one a minute. */
export class LossLog {
  readonly #log = new ThrottledLog('vcon-otel/exporters');
  #failed = 0;
  readonly #dropped = new Map<DropReason, number>();
  #reason = '';
  #timer: NodeJS.Timeout | undefined;

  /** Spans that the exporter could not export. `reason` is an `error.type`. */
  failed(spans: number, reason: string): void {
    this.#failed += spans;
    this.#reason = reason;
    this.#schedule();
  }

  /** Spans that never reached the exporter. */
  dropped(spans: number, why: DropReason): void {
    this.#dropped.set(why, (this.#dropped.get(why) ?? 0) + spans);
    this.#schedule();
  }

  /** Writes what has not been logged yet. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const parts = [
      ...(this.#failed ? [`${this.#failed} failed to export (last: ${this.#reason})`] : []),
      ...[...this.#dropped].map(([why, spans]) => `${spans} dropped (${DROPPED[why]})`),
    ];
    if (parts.length === 0) return;
    this.#failed = 0;
    this.#dropped.clear();
    this.#log.warnNow('losses', `spans lost: ${parts.join(', ')}`);
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.flush(), Math.max(GATHER, this.#log.dueIn('losses')));
    this.#timer.unref();
  }
}
