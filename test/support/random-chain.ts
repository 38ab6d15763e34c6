import fc from 'fast-check';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';

/** What a link of a random chain does. */
export type LinkAct = 'same' | 'new' | 'halt' | 'throw';

/** A chain that is about to happen, with all its luck decided. */
export interface RandomChain {
  readonly name: string;
  readonly uuid: string;
  readonly links: readonly { readonly act: LinkAct; readonly turns: number }[];
  readonly storages: readonly { readonly fails: boolean; readonly turns: number }[];
}

export const randomChain: fc.Arbitrary<RandomChain> = fc.record({
  name: fc.constantFrom('sink', 'second', 'third'),
  uuid: fc.constantFrom('u1', 'u2', 'u3'),
  links: fc.array(
    fc.record({
      act: fc.oneof(
        { weight: 6, arbitrary: fc.constant<LinkAct>('same') },
        { weight: 1, arbitrary: fc.constantFrom<LinkAct>('new', 'halt', 'throw') },
      ),
      turns: fc.nat(3),
    }),
    { maxLength: 6 },
  ),
  storages: fc.array(fc.record({ fails: fc.boolean(), turns: fc.nat(3) }), { maxLength: 3 }),
});

/** Lets the event loop turn a number of times. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Makes a random chain happen. */
export async function happen(chain: RandomChain): Promise<void> {
  const links = chain.links.map((_, index) => `l${index}`);
  await traceChain({ name: chain.name, links }, chain.uuid, async (run) => {
    for (const [index, { act, turns: wait }] of chain.links.entries()) {
      const next = await run.link(`l${index}`, async (uuid) => {
        await turns(wait);
        if (act === 'throw') throw new RangeError('on purpose');
        if (act === 'halt') return undefined;
        return act === 'new' ? `${uuid}.${index}` : uuid;
      });
      if (next === undefined) return;
    }
    await Promise.all(
      chain.storages.map(({ fails, turns: wait }, index) =>
        run.storage({ name: `s${index}` }, async () => {
          await turns(wait);
          if (fails) throw new Error('on purpose');
        }),
      ),
    );
  }).catch(() => undefined);
}

/** The calls that DESIGN §4 prescribes, in short; those of parallel storages apart, since their order is luck. */
export function prescribed(chain: RandomChain): { calls: string[]; storages: Set<string> } {
  const calls = [`chain_start ${chain.uuid}`];
  if (chain.links.length > 0) calls.push(`run -1 ${chain.uuid}→${chain.uuid}`);
  const storages = new Set<string>();
  let uuid = chain.uuid;
  for (const [index, { act }] of chain.links.entries()) {
    calls.push(`link_start ${uuid} l${index}`);
    if (act === 'throw') {
      calls.push(`link_error ${uuid} l${index}`, `chain_error ${uuid}`);
      return { calls, storages };
    }
    const out = act === 'new' ? `${uuid}.${index}` : uuid;
    calls.push(`link_complete ${out} l${index}`, `run ${index} ${uuid}→${out}`);
    uuid = out;
    if (act === 'halt') {
      calls.push(`chain_complete ${uuid}`, `run ${chain.links.length} ${chain.uuid}→${uuid}`);
      return { calls, storages };
    }
  }
  for (const [index, { fails }] of chain.storages.entries()) {
    storages.add(`storage_start ${uuid} s${index}`);
    storages.add(`storage_${fails ? 'error' : 'complete'} ${uuid} s${index}`);
  }
  calls.push(`chain_complete ${uuid}`, `run ${chain.links.length} ${chain.uuid}→${uuid}`);
  return { calls, storages };
}
