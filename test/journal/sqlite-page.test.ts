import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Page, packed, pageOf } from '../../src/journal/sqlite/page.ts';
import { frozenEvent } from '../../src/model/chain-event.ts';
import { randomEvents } from '../support/random-run.ts';

test('events that were written and are read again are the same, whatever they say and whichever calls are made of them', () => {
  fc.assert(
    fc.property(
      fc.array(randomEvents, { maxLength: 3 }),
      fc.constantFrom(undefined, 'trace', 'run', 'none'),
      fc.array(fc.constantFrom(undefined, 'one', 'two'), { minLength: 1 }),
      (runs, calls, senders) => {
        const events = runs
          .flat()
          .map((each, at) => frozenEvent({ ...each, calls, sender: senders[at % senders.length] }));
        const bytes = pageOf(events);
        for (const page of [new Page(bytes), new Page(packed(bytes))])
          expect(Array.from({ length: page.count }, (_, at) => page.event(at))).toEqual(events);
      },
    ),
  );
});

test('a page that was written before events had a sender, and lists of links were kept once, is read', () => {
  fc.assert(
    fc.property(randomEvents, (events) => {
      const now = pageOf(events);
      const [, , count = 0, length = 0] = new Uint32Array(now.slice(0, 16).buffer);
      const [texts, shapes, lists] = JSON.parse(Buffer.from(now.subarray(-length)).toString());
      const json = Buffer.from(
        JSON.stringify([
          texts,
          shapes.map((shape: readonly number[]) => shape.slice(0, 13).with(4, lists[shape[4] ?? 0])),
        ]),
      );
      const then = Uint8Array.from(Buffer.concat([now.subarray(0, -length), json]));
      new Uint32Array(then.buffer, 0, 4).set([0, 0, count, json.byteLength]);
      new Uint32Array(then.buffer, 0, 1)[0] = crc32(then.subarray(4));
      const page = new Page(then);
      expect(Array.from({ length: page.count }, (_, at) => page.event(at))).toEqual(events);
    }),
  );
});

test('a page of which a byte is another, or that is cut off, is not read', () => {
  fc.assert(
    fc.property(
      randomEvents,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      (events, at, by, small) => {
        const bytes = small ? packed(pageOf(events)) : pageOf(events);
        const other = Uint8Array.from(bytes);
        other[at % other.length] = (other[at % other.length] ?? 0) ^ by;
        expect(() => new Page(other)).toThrow('a page');
        expect(() => new Page(bytes.slice(0, at % bytes.length))).toThrow('a page');
      },
    ),
  );
});

test('a page has the links of a chain once, however many steps there are', () => {
  const links = Array.from({ length: 1_000 }, (_, i) => `link ${i}`);
  const [[event] = []] = fc.sample(
    randomEvents.filter(({ length }) => length > 0),
    1,
  );
  if (!event) throw new Error('an event');
  const steps = links.map((link, linkIndex) =>
    frozenEvent({ ...event, eventId: `${event.runId}/link/${linkIndex}/start`, link, linkIndex, links }),
  );
  const bytes = pageOf(steps);
  expect(bytes.byteLength).toBeLessThan(300_000);
  expect(new Page(bytes).event(999)).toEqual(steps[999]);
});
