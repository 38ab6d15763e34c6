import { setTimeout as wait } from 'node:timers/promises';
import { TooSlow } from './fault.ts';
import { shuffled } from './random-passages.ts';
import type { ReceivingService } from './receiving-service.ts';

/** Something that is to arrive: resolves when it was taken. */
export type Sending = () => Promise<void>;

/** A kill in the middle of a {@link Volley}. */
export interface Kill {
  /** After so many were answered. */
  readonly after: number;
  /** And so many milliseconds. */
  readonly pause: number;
}

/** Requests under way at a time. */
const AT_A_TIME = 4;

/**
 * Sends everything twice, in any order, while the service is killed and started again.
 * @param arrived resolves when the service has read what was sent
 * @throws TooSlow where a run may have been over before everything of it was there
 */
export async function sendTwice(
  service: ReceivingService,
  sendings: readonly Sending[],
  random: () => number,
  kills: readonly Kill[],
  arrived: () => Promise<void>,
): Promise<void> {
  const waiting = shuffled(random, [...sendings, ...sendings]);
  const all = waiting.length;
  let answered = 0;
  let from = performance.now();
  let slowest = 0;
  const lap = () => {
    slowest = Math.max(slowest, performance.now() - from);
  };
  const send = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await next();
      answered += 1;
      if (answered < all) continue;
      await arrived();
      lap();
    }
  };
  const killAll = async () => {
    for (const { after, pause } of kills.toSorted((a, b) => a.after - b.after)) {
      while (answered < Math.min(after, all)) await wait(1);
      await wait(pause);
      if (answered < all) lap();
      await service.kill();
      await service.start();
      from = performance.now();
    }
  };
  await Promise.all([...Array.from({ length: AT_A_TIME }, send), killAll()]);
  if (slowest > service.settle * 0.8) throw new TooSlow();
}

/**
 * A kill at any moment: mostly while things arrive, else while runs come to their end and are told.
 * @param settle milliseconds after which they do
 */
export function randomKill(random: () => number, sendings: number, settle: number): Kill {
  return random() < 0.6
    ? { after: Math.floor(random() * 2 * sendings), pause: random() * 10 }
    : { after: 2 * sendings, pause: settle * (0.8 + random() * 0.6) };
}
