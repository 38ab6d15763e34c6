import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Kept, KeptConsumer } from './driver.ts';
import type { JournalModel } from './model.ts';
import { isDead, isOpen } from './standing.ts';

/**
 * What a journal has kept must be everything durable, and of the rest a beginning: transactions are made in order. From now
 * on that is what there is.
 * @param isRunning consumers are there: what they do not want to hear they do not hear in this life
 */
export function accept(model: JournalModel, kept: Kept, isRunning: boolean): void {
  const serials = model.log.map(({ serial }) => serial);
  expect(kept.log, 'the log is kept from its beginning').toEqual(serials.slice(0, kept.log.length));
  const lost = serials.slice(kept.log.length);
  expect(
    lost.filter((serial) => serial < model.durable),
    'durable events are kept',
  ).toEqual([]);
  model.log = model.log.slice(0, kept.log.length);
  model.inputs.accept(kept.inputs.map(Number), kept.log.length);
  acceptPlaces(model, kept);
  model.notes.cut(notesIn(model, kept));
  for (const [name, { toHear }] of kept.consumers)
    for (const { serial, again } of toHear) {
      const one = model.standings(name).get(serial);
      if (one?.state !== 'unheard') continue;
      if (again) model.notes.add(name, serial, { state: 'again' });
      else if (!isRunning) model.notes.add(name, serial, { ...one, state: 'waiting' });
    }
  model.notes.save();
  model.durable = model.next;
  model.unsure = [];
}

/** A new consumer may not have got its place before a crash. */
function acceptPlaces(model: JournalModel, { consumers }: Kept): void {
  for (const [name, { isSure }] of model.places) {
    if (isSure || consumers.has(name)) continue;
    model.places.delete(name);
    model.notes.forget(name);
  }
  expect([...consumers.keys()].sort(), 'consumers keep their places').toEqual(
    [...model.places.keys()].sort(),
  );
}

/** How many notes are in what was kept: all that are durable, at least. */
function notesIn(model: JournalModel, { consumers }: Kept): number {
  const { notes } = model;
  for (let count = notes.count; ; count -= 1) {
    const expected = new Map(
      [...consumers].map(([name, found]) => [name, ofNotes(model, name, count, found)]),
    );
    if (isDeepStrictEqual(consumers, expected)) return count;
    if (count <= notes.durable) expect(consumers, 'what is kept of consumers').toEqual(expected);
  }
}

/** What is to be kept of a consumer, if there are so many notes. What it did not want to hear may be there again. */
function ofNotes(model: JournalModel, name: string, count: number, found: KeptConsumer): KeptConsumer {
  const { passed } = model.place(name);
  const standings = [...model.standings(name, count)];
  const toHear = standings.flatMap(([serial, one]) => {
    const there = found.toHear.find((event) => event.serial === serial);
    const isThere = one.state === 'unheard' ? there && serial >= passed : isOpen(one);
    if (!isThere) return [];
    // An operator may have asked for it, and so for new attempts.
    if (one.state === 'unheard' && there?.again) return [there];
    // After an attempt it may not be known any more that it was asked for.
    return [{ serial, attempts: one.before?.attempts ?? 0, again: there?.again ?? one.state === 'again' }];
  });
  return { toHear, dead: standings.flatMap(([serial, one]) => (isDead(one) ? [serial] : [])) };
}
