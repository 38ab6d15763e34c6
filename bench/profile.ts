import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a thread does, by the files that its functions are in; the first that fits counts. */
const PARTS: readonly (readonly [part: string, file: RegExp])[] = [
  ['decode', /\/dist\/receivers\/(otlp|json)\//],
  ['assemble', /\/dist\/assembly\//],
  ['HTTP, Redis', /\/dist\/receivers\/|\/node_modules\/(fastify|find-my-way|ioredis|redis-parser)\//],
  ['spans to events', /\/dist\/(bridge|model)\//],
  ['journal', /\/dist\/journal\//],
  ['dispatch', /\/dist\/(delivery|service)\/|\/counting-tracer\.js/],
  ['metrics', /\/dist\/exporters\/|\/node_modules\/@opentelemetry\//],
];
const COLLECTING = 'garbage collection';
const REST = 'Node.js';
/** Where a thread waits. */
const IDLE = '(idle)';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

type Times = Map<string, number>;

/**
 * Reads what `node --cpu-prof` left of the main thread: the share of each part in the time that it was not idle. What Node.js
 * does for a part counts as that part's.
 */
export function readShares(folder: string): ReadonlyMap<string, number> {
  const times: Times = new Map();
  // CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile
  for (const file of readdirSync(folder).filter((name) => name.split('.')[4] === '0'))
    add(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile, times);
  return inOrder(times);
}

function add({ nodes, samples, timeDeltas }: Profile, to: Times): void {
  const parts = partsOf(nodes);
  for (const [i, id] of samples.entries()) {
    const part = parts.get(id);
    // What a sample stands for is the time up to the next one.
    if (part !== undefined && part !== IDLE) to.set(part, (to.get(part) ?? 0) + (timeDeltas[i + 1] ?? 0));
  }
}

/** The part of each node: that of its own file, else of whoever called it. */
function partsOf(nodes: readonly ProfileNode[]): Map<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parts = new Map<number, string>();
  const visit = (node: ProfileNode, caller: string) => {
    const part = partOf(node.callFrame) ?? caller;
    parts.set(node.id, part);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child) visit(child, part);
    }
  };
  const [root] = nodes;
  if (root) visit(root, REST);
  return parts;
}

function partOf({ functionName, url }: ProfileNode['callFrame']): string | undefined {
  if (functionName === IDLE || functionName === '(program)') return IDLE;
  if (functionName === '(garbage collector)') return COLLECTING;
  return PARTS.find(([, file]) => file.test(url))?.[0];
}

function inOrder(times: Times): Times {
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const order = [...PARTS.map(([part]) => part), COLLECTING, REST];
  return new Map(order.flatMap((part) => (times.has(part) ? [[part, (times.get(part) ?? 0) / total]] : [])));
}
