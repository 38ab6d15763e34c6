import { expect } from 'vitest';
import type { Chain } from '../../src/index.ts';
import { type Item, same } from './item.ts';
import { CHAIN, DOCUMENT, eventsOf, pass, runsOf, UUID } from './passage.ts';

/** What tracers are, and when `run` is called. */
export const concepts: readonly Item[] = [
  same('B01', 'tracers stay outside of what is processed', async () => {
    const { result } = await pass({ answer: () => Promise.reject(new Error('no')) });
    expect(result.outcome).toBe('complete');
  }),
  same('B02', 'tracers hear what flows between links', async () => {
    expect(runsOf(await pass()).map(({ in: entered, out }) => [entered, out])).toEqual(
      Array.from({ length: 4 }, () => [UUID, UUID]),
    );
  }),
  same('B03', 'tracers make audit trails', async () => {
    expect(eventsOf(await pass())).toEqual([
      'chain_start',
      ...['link_start', 'link_complete', 'link_start', 'link_complete'],
      ...['storage_start', 'storage_complete', 'chain_complete'],
    ]);
  }),
  same('B04', 'tracers track provenance', async () => {
    const made: Chain = { name: 'made', links: [{ name: 'copy', run: () => 'W' }] };
    expect(runsOf(await pass({ chain: made }))[1]).toMatchObject({ in: UUID, out: 'W', links: ['copy'] });
  }),
  same('B05', 'tracers measure', async () => {
    const { calls } = await pass();
    expect(calls.some(({ context }) => (context.duration ?? 0) > 0)).toBe(true);
  }),
  same('B06', 'tracers never change a vCon', async () => {
    const { store } = await pass({
      answer: ({ opts, context }) => {
        // Whatever a tracer does with what it is handed.
        expect(() => Object.assign(context, { chain: 'other' })).toThrow(TypeError);
        expect(() => Object.assign(opts, { more: 1 })).toThrow(TypeError);
        return false;
      },
    });
    expect(await store.read(UUID)).toBe(DOCUMENT);
  }),
  same('B07', 'they are called before and after each link', async () => {
    const events = eventsOf(await pass()).filter((event) => event.startsWith('link_'));
    expect(events).toEqual(['link_start', 'link_complete', 'link_start', 'link_complete']);
  }),
  same('B08', 'run returns whether it succeeded', async () => {
    const { result } = await pass({ answer: () => true });
    expect(result.outcome).toBe('complete');
  }),
  same('B09', 'a failure does not stop what is processed', async () => {
    const { result } = await pass({ answer: () => false });
    expect(result).toMatchObject({ outcome: 'complete', deadLettered: false });
  }),
  same('B10', 'run is called with -1 before the first link', async () => {
    expect(runsOf(await pass())[0]).toMatchObject({ index: -1, in: UUID, out: UUID });
  }),
  same('B11', 'run is called after each link with its index', async () => {
    expect(runsOf(await pass()).map(({ index }) => index)).toEqual(expect.arrayContaining([0, 1]));
  }),
  same('B12', 'run is called at the end of the chain', async () => {
    expect(runsOf(await pass()).at(-1)?.index).toBe(CHAIN.links.length);
  }),
  same('B13', 'the order is as shown, and before the first link of none there is no call', async () => {
    expect(runsOf(await pass()).map(({ index }) => index)).toEqual([-1, 0, 1, 2]);
    const empty = await pass({ chain: { name: 'empty', links: [] } });
    expect(runsOf(empty).map(({ index }) => index)).toEqual([0]);
  }),
];
