import { VconOtelError } from '../model/error.ts';

/** Why a promise of a closed journal is rejected. */
export function eventsLost(): VconOtelError {
  return new VconOtelError(
    'EVENTS_LOST',
    'the journal was closed while it could not be written: events were lost',
  );
}
