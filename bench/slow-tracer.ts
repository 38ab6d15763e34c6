/**
 * What a slow tracer adds to the chains that it hears: the same chain with it and without any, in turn. Each link
 * waits for one turn of the event loop, so that what the bridge and the tracer do meanwhile delays the chain.
 */
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { type Chain, runChain, TracerSpanProcessor, traceChain } from '../src/index.ts';
import { memoryVconStore } from '../src/vcon-store/index.ts';
import { startSdk } from './chain.ts';
import { grouped, median, printTable, quantile, SHORT, spread, uuidOf } from './measure.ts';

/** Chains in each round, with the tracer and without. */
const CHAINS = SHORT ? 5 : 50;
const ROUNDS = SHORT ? 1 : 20;
const WARM_UP_ROUNDS = SHORT ? 0 : 2;
const CALL_MS = 50;
/**
 * Between two chains, at random as vCons arrive: a fixed pause would have every chain start just when earlier ones'
 * calls are answered. The tracer keeps up: it takes 256 runs of 13 calls at once, 390 chains a second.
 */
const PAUSE_MS = { least: 2, most: 8 };

const LINKS = ['a', 'b', 'c'];
const EVENTS_PER_CHAIN = 2 + 2 * LINKS.length;
const CALLS_PER_CHAIN = EVENTS_PER_CHAIN + 2 + LINKS.length;

const slow = {
  trace: () => wait(CALL_MS),
  run: () => wait(CALL_MS, true),
};
const link = async (uuid: string) => {
  await turn();
  return uuid;
};
const chain: Chain = { name: 'main', links: LINKS.map((name) => ({ name, run: link })) };
const vcons = memoryVconStore();

type Pass = (uuid: string) => Promise<unknown>;
type Rounds = readonly (readonly number[])[];

interface Road {
  readonly name: string;
  readonly pass: Pass;
  /** Milliseconds that each chain took, by round. */
  readonly without: number[][];
  readonly beside: number[][];
}

const roads = [
  road('traceChain', (uuid) =>
    traceChain({ name: 'main', links: LINKS }, uuid, async (run) => {
      for (const name of LINKS) await run.link(name, link);
    }),
  ),
  road('runChain', (uuid) => runChain(chain, { uuid }, { vcons, queue: vcons })),
];

let chains = 0;
let delivered = 0;

for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1)
  // By turns the first, so that what a machine does over time favours neither.
  for (const { pass, without, beside } of roads)
    for (const withTracer of round % 2 === 0 ? [false, true] : [true, false]) {
      const took = await measureRound(pass, withTracer);
      if (round >= 0) (withTracer ? beside : without).push(took);
    }

printTable(
  `A chain of ${LINKS.length} links beside a tracer that takes ${CALL_MS} ms for each of its ${CALLS_PER_CHAIN} calls (${ROUNDS} rounds in turn, ${CHAINS} chains each)`,
  [
    ['', 'median', 'p99', 'spread of medians'],
    ...roads.flatMap(({ name, without, beside }) => [
      row(`${name}, no tracer`, without),
      row(`${name}, slow tracer`, beside),
      ['  added', ...[0.5, 0.99].map((share) => ms(at(beside, share) - at(without, share))), ''],
    ]),
  ],
);
console.log(`  delivered: all ${grouped(delivered)} events of ${grouped(chains)} chains`);

function road(name: string, pass: Pass): Road {
  return { name, pass, without: [], beside: [] };
}

async function measureRound(pass: Pass, withTracer: boolean): Promise<number[]> {
  const bridge = new TracerSpanProcessor({ tracers: [{ name: 'slow', module: slow }] });
  const sdk = startSdk(withTracer ? [bridge] : []);
  const took: number[] = [];
  // The first chain after a start makes the instruments and is not measured.
  for (let i = -1; i < CHAINS; i += 1) {
    await wait(PAUSE_MS.least + Math.random() * (PAUSE_MS.most - PAUSE_MS.least));
    const uuid = uuidOf(i + 1);
    const began = performance.now();
    await pass(uuid);
    if (i >= 0) took.push(performance.now() - began);
  }
  await sdk.shutdown();
  if (withTracer) requireDelivered(bridge, CHAINS + 1);
  return took;
}

/** A chain that is fast because its tracers heard nothing would prove nothing. */
function requireDelivered(bridge: TracerSpanProcessor, ran: number): void {
  const { events, issues, tracers } = bridge.stats();
  const { ok = 0, trace = 0, run = 0 } = tracers.slow ?? {};
  const expected = ran * EVENTS_PER_CHAIN;
  const complete = events === expected && ok === expected && trace + run === ran * CALLS_PER_CHAIN;
  if (!complete || Object.keys(issues).length > 0)
    throw new Error(`${expected} events were due; heard: ${JSON.stringify(bridge.stats())}`);
  chains += ran;
  delivered += ok;
}

function row(name: string, rounds: Rounds): string[] {
  const medians = rounds.map(median);
  return [name, ms(at(rounds, 0.5)), ms(at(rounds, 0.99)), `${spread(medians).toFixed(0)} %`];
}

function at(rounds: Rounds, share: number): number {
  return quantile(rounds.flat(), share);
}

function ms(value: number): string {
  return `${value.toFixed(3)} ms`;
}
