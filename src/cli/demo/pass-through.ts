import { createHash } from 'node:crypto';
import { runChain } from '../../instrumentation/run-chain.ts';
import { isVconUuid } from '../../model/vcon.ts';
import type { ListedVcon, MemoryVconStore } from '../../vcon-store/index.ts';
import type { DemoChains } from './chains.ts';
import type { DemoProgress } from './progress.ts';

/** Queues a vCon for the first chain and lets it go as far as the chains' lists take it. */
export async function passThrough(
  { uuid, text }: Extract<ListedVcon, { text: string }>,
  { chains }: DemoChains,
  vcons: MemoryVconStore,
  progress: DemoProgress,
): Promise<void> {
  const vconUuid = isVconUuid(uuid) ? uuid : uuidOf(text);
  await vcons.write(vconUuid, text);
  await vcons.push(chains[0].ingressList, vconUuid);
  for (const { chain, ingressList } of chains)
    for (let vcon = await vcons.pop(ingressList); vcon; vcon = await vcons.pop(ingressList)) {
      const { outcome } = await runChain(chain, vcon, { vcons, queue: vcons, ingressList });
      progress.ran(outcome);
    }
  // Nobody else takes them off, and a list in memory is bounded. They count as failed runs.
  for (const { ingressList } of chains) while (await vcons.pop(`DLQ:${ingressList}`));
  progress.done();
}

/** A uuid for a vCon that has none in the clear: version 8 (RFC 9562 §5.8), made of its own bytes, so always the same. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
