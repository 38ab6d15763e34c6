import { vi } from 'vitest';
import { traceChain } from '../../../src/instrumentation/trace-chain.ts';
import { TracerSpanProcessor } from '../../../src/service/tracer-span-processor.ts';
import jlinc from '../../../src/tracers/jlinc.ts';
import { memoryVconStore } from '../../../src/vcon-store/memory.ts';
import { startSdk } from '../../support/sdk.ts';
import { type Asked, type Fault, JlincServer, type Misbehaviour } from './jlinc-server.ts';
import { keptReceipts } from './kept-receipts.ts';
import { seeded } from './random-json.ts';

const LINKS = ['transcribe', 'analyze', 'tag', 'notify'];
/** Events of one run: before the chain and after each link. */
const EVENTS = LINKS.length + 1;
/** Runs begun at once. */
const TOGETHER = 50;

/** Worth another try, always. */
const PASSING: readonly Fault[] = [500, 429, 'reset', 'hang up', 'cut short', 'bad gzip'];
/** Take a call's whole time or much of the processor's, so they are rare. */
const SLOW: readonly Fault[] = ['hang', 'slow drip', 'gzip bomb'];
/** Given up the third time, so they come at most twice for one request. */
const REFUSALS: readonly Fault[] = ['html', 'truncated json', 401, 403, 404];

/** Half of a server's answers are faulty, in every way there is. */
class Faults {
  readonly #random = seeded(4);
  readonly #refused = new Map<string, number>();
  #turn = 0;
  #slow = 0;
  readonly kinds = new Set<Fault>();
  answers = 0;
  faulty = 0;

  next({ call, about }: Asked): Misbehaviour | undefined {
    this.answers += 1;
    if (this.#random() < 0.5) return undefined;
    const fault = this.#fault(call, about);
    this.faulty += 1;
    this.kinds.add(fault);
    return { fault, after: this.#random() < 0.3 };
  }

  #fault(call: Asked['call'], about: string): Fault {
    if (call === 'entity/domains/get' && !this.kinds.has('no domains')) return 'no domains';
    if (call.startsWith('entity/') && about !== '' && this.#random() < 0.3) return 'no didDoc';
    if (this.answers > (this.#slow + 1) * 300) {
      this.#slow += 1;
      if (call === 'event/produce') return SLOW[this.#slow % SLOW.length] ?? 'hang';
    }
    const refused = this.#refused.get(`${call} ${about}`) ?? 0;
    if (refused >= 2 || this.#random() < 0.6) return this.#inTurn(PASSING);
    this.#refused.set(`${call} ${about}`, refused + 1);
    return this.#inTurn(REFUSALS);
  }

  #inTurn(faults: readonly Fault[]): Fault {
    this.#turn += 1;
    return faults[this.#turn % faults.length] ?? 500;
  }
}

/**
 * Runs chains through the bridge and the tracer to a data store half of whose answers are faulty.
 * @param events a multiple of {@link EVENTS}
 * @param directory for the receipts
 */
export async function throughFaults(events: number, directory: string) {
  const faults = new Faults();
  const server = await new JlincServer().start();
  server.misbehave = (asked) => faults.next(asked);
  const vcons = memoryVconStore();
  const bridge = new TracerSpanProcessor({
    vcons,
    tracers: [
      {
        name: 'jlinc',
        module: jlinc,
        options: { data_store_api_url: server.url, allow_private_hosts: ['127.0.0.1'], directory },
        delivery: {
          timeout: 1_000,
          retry: { initialInterval: 1, maxInterval: 20 },
          circuitBreaker: { failures: 1e9 },
        },
      },
    ],
  });
  const sdk = startSdk([bridge]);
  try {
    for (let run = 0; run < events / EVENTS; run += TOGETHER) {
      const uuids = Array.from(
        { length: Math.min(TOGETHER, events / EVENTS - run) },
        (_, i) => `v${run + i}`,
      );
      await Promise.all(uuids.map((uuid) => pass(uuid, vcons)));
    }
    const tracer = () => bridge.stats().tracers.jlinc;
    await vi.waitUntil(() => tracer()?.pending === 0, { timeout: 880_000, interval: 20 });
    return {
      events,
      ...told(server, directory),
      dead: tracer()?.dead,
      dropped: tracer()?.dropped,
      faultyAnswers: faults.faulty / faults.answers,
      kinds: faults.kinds.size,
    };
  } finally {
    await sdk.shutdown();
    await server.close();
  }
}

async function pass(uuid: string, vcons: ReturnType<typeof memoryVconStore>): Promise<void> {
  await vcons.write(uuid, JSON.stringify({ uuid, dialog: [{ body: `hello ${uuid}` }] }));
  await traceChain({ name: 'main', links: LINKS }, uuid, async (run) => {
    for (const name of LINKS) await run.link(name, async (entered) => entered);
  });
}

function told(server: JlincServer, directory: string) {
  const recorded = new Set(server.events.map(({ meta }) => meta.record_id));
  const receipts = new Set(keptReceipts(directory).map(({ record_id }) => String(record_id)));
  // The order in which the records of a run came first.
  const runs = new Map<string, Map<string, string>>();
  for (const { senderShortName, meta } of server.events) {
    const run = runs.get(meta.in_vcon_uuid) ?? new Map<string, string>();
    runs.set(meta.in_vcon_uuid, run);
    if (!run.has(meta.record_id)) run.set(meta.record_id, senderShortName.replace(/^vcontest-|@.*$/g, ''));
  }
  const expected = ['system', ...LINKS].join();
  const outOfOrder = [...runs].filter(([, senders]) => [...senders.values()].join() !== expected);
  return {
    recorded: recorded.size,
    receipts: receipts.size,
    outOfOrder: outOfOrder.map(([uuid]) => uuid),
    withReceiptOnly: [...receipts].filter((id) => !recorded.has(id)),
  };
}
