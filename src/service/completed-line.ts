import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { ChainEvent } from '../model/event.ts';

/**
 * The conserver's documented log line for each call that a tracer has completed, with its values as fields; undefined
 * where the level is not `debug`, so that it costs nothing.
 */
export function completedLine(log: Logger, tracers: Config['tracers']) {
  if (!log.isLevelEnabled('debug')) return undefined;
  return (tracer: string, call: 'trace' | 'run', event: ChainEvent, seconds: number): void => {
    const configured = tracers[tracer]?.module;
    const module = typeof configured === 'string' ? configured : 'given by code';
    const vconUuid = event.outVconUuid;
    log.debug(
      { tracer, module, call, vcon_uuid: vconUuid, event_id: event.eventId, seconds },
      `Completed tracer ${tracer} (module: ${module}) for vCon: ${vconUuid} in ${seconds} seconds`,
    );
  };
}
