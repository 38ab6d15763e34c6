import { expect } from 'vitest';

import type { EventName } from '../../src/model/event.ts';
import { type Item, same } from './item.ts';
import { BROKEN, CHAIN, eventsOf, FULL, pass, UUID } from './passage.ts';

/** Each event, of the chain in which it happens. */
function event(id: string, name: EventName, chain: typeof CHAIN): Item {
  return same(id, `${name} is an event`, async () => expect(eventsOf(await pass({ chain }))).toContain(name));
}

/** The interface `trace(vcon_uuid, event, opts)` and its nine events. */
export const interfaceItems: readonly Item[] = [
  same('A01', 'trace gets the uuid, the event and the options', async () => {
    const seen: unknown[][] = [];
    await pass({
      recording: { trace: (...args) => void seen.push(args.slice(0, 3)) },
      options: { level: 2 },
    });
    expect(seen[0]).toEqual([UUID, 'chain_start', { level: 2 }]);
  }),
  same('A02', 'default_options are merged under the options', async () => {
    const seen: unknown[] = [];
    const recording = {
      default_options: { level: 1, colour: 'red' },
      trace: (_uuid: string, _event: string, opts: unknown) => void seen.push(opts),
    };
    await pass({ recording, options: { level: 2 } });
    expect(seen[0]).toEqual({ level: 2, colour: 'red' });
  }),
  same('A03', 'trace returns nothing', async () => {
    const { result } = await pass({ answer: () => undefined });
    expect(result.outcome).toBe('complete');
  }),
  event('A04', 'chain_start', CHAIN),
  event('A05', 'link_start', CHAIN),
  event('A06', 'link_complete', CHAIN),
  event('A07', 'link_error', BROKEN),
  event('A08', 'storage_start', CHAIN),
  event('A09', 'storage_complete', CHAIN),
  event('A10', 'storage_error', FULL),
  event('A11', 'chain_complete', CHAIN),
  event('A12', 'chain_error', BROKEN),
];
