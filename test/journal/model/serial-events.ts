import type { ChainEvent } from '../../../src/model/event.ts';
import { event } from '../contract.ts';

/** Recent enough that no journal removes what happened then. */
const FIRST = Date.now();

/** An event that is known by when it happened, however often its id comes. */
export function serialEvent(eventId: string, serial: number): ChainEvent {
  return event(eventId, timeOf(serial));
}

export function timeOf(serial: number): number {
  return FIRST + serial;
}

export function serialOf(time: number): number {
  return time - FIRST;
}
