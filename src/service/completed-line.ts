import type { Logger } from 'pino';
import type { Config } from '../config/load-config.ts';
import type { Completed } from '../delivery/tracer-calls.ts';
import { type Clock, systemClock } from '../model/clock.ts';

/** Calls a second that each have a line at the level `info`; of more, only a sample has. */
const BUSY = 500;
/** Lines a second while there are more. */
const SAMPLE = 50;
const SECOND = 1_000;

/**
 * The conserver's documented log line for each call that a tracer has completed, with its fields, and ours beside them. At
 * `debug` there is one for every call. At `info` there are fewer while more than 500 calls a second are completed, and one
 * that says how many others there were: a busy conserver's thousands would hide everything else.
 * Undefined where neither is written, so that it costs nothing.
 */
export function completedLine(
  log: Logger,
  tracers: Config['tracers'],
  clock: Pick<Clock, 'elapsed' | 'after'> = systemClock,
): Completed | undefined {
  if (!log.isLevelEnabled('info')) return undefined;
  const isSampled = !log.isLevelEnabled('debug');
  let since = Number.NEGATIVE_INFINITY;
  let calls = 0;
  let limit = BUSY;
  let unwritten = 0;

  function isDue(): boolean {
    if (!isSampled) return true;
    const now = clock.elapsed();
    if (now - since >= SECOND) {
      limit = calls > BUSY && now - since < 2 * SECOND ? SAMPLE : BUSY;
      [since, calls] = [now, 0];
    }
    calls += 1;
    if (calls <= limit) return true;
    if (unwritten === 0) clock.after(SECOND, tellOfOthers, 'background');
    unwritten += 1;
    return false;
  }

  function tellOfOthers(): void {
    const text = `${unwritten} more calls of tracers were completed: log_level debug has a line for each`;
    log.info({ calls: unwritten }, text);
    unwritten = 0;
  }

  return (tracer, call, event, took) => {
    const configured = tracers[tracer];
    // What exports spans is called like a tracer, and is none to whoever reads the log.
    if (!configured || !isDue()) return;
    const module = typeof configured.module === 'string' ? configured.module : 'given by code';
    // Whole microseconds.
    const seconds = Math.round(took * 1e6) / 1e6;
    const { outVconUuid: vcon_uuid, eventId: event_id } = event;
    log.info(
      {
        ...{ tracer_processing_time: seconds, tracer_name: tracer, tracer_module_name: module },
        ...{ tracer, module, call, vcon_uuid, event_id, seconds },
      },
      `Completed tracer ${tracer} (module: ${module}) for vCon: ${vcon_uuid} in ${seconds} seconds`,
    );
  };
}
