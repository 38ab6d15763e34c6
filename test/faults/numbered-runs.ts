import { setImmediate as turn } from 'node:timers/promises';
import { traceChain } from '../../src/instrumentation/trace-chain.ts';

const LINKS = Array.from({ length: 7 }, (_, index) => `l${index}`);
const STORAGES = ['s0', 's1'];

/** Events of a run: two of the chain, of each link and of each storage. */
export const RUN_EVENTS = 2 * (1 + LINKS.length + STORAGES.length);

/** The calls that a tracer is due of a run, in order: `<the id of the event without its run> trace` or `run`. */
export const RUN_CALLS: readonly string[] = [
  'chain/start trace',
  'chain/start run',
  ...LINKS.flatMap((_, index) => [
    `link/${index}/start trace`,
    `link/${index}/complete trace`,
    `link/${index}/complete run`,
  ]),
  ...STORAGES.flatMap((name) => [`storage/${name}/start trace`, `storage/${name}/complete trace`]),
  'chain/complete trace',
  'chain/complete run',
];

/** Makes the n-th run happen, in real spans. Each step takes a turn of the event loop, so that runs mix. */
export async function passRun(n: number): Promise<void> {
  await traceChain({ name: 'main', links: LINKS }, uuidOf(n), async (run) => {
    for (const link of LINKS) await run.link(link, (uuid) => turn(uuid));
    for (const name of STORAGES) await run.storage({ name }, () => turn());
  });
}

/** The number of a run, by the uuid of its vCon. */
export function runNumberOf(uuid: string): number {
  return Number.parseInt(uuid.slice(-12), 16);
}

function uuidOf(n: number): string {
  return `01928e10-193e-8231-b9a2-${n.toString(16).padStart(12, '0')}`;
}
