import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ANY_TIME } from '../support/any-time.ts';
import { eventually } from '../support/eventually.ts';
import { type Child, startChild } from './child.ts';
import { VCON_OTEL } from './command-line.ts';
import { require } from './fault.ts';
import { type HeardRuns, heardRuns } from './heard-runs.ts';

/** What `/readyz` answers, as far as it is looked at here. */
export interface ReceivingState {
  readonly status: 'ready' | 'not ready';
  readonly troubles: readonly string[];
  readonly tracers: Readonly<Record<string, { readonly pending: number }>>;
  readonly issues: Readonly<Record<string, number>>;
  readonly receivers: {
    readonly open_runs: number;
    readonly spans: Readonly<Record<string, number>>;
    readonly records: Readonly<Record<string, number>>;
    readonly issues: Readonly<Record<string, number>>;
    readonly redis_stream?: {
      readonly connected: boolean;
      readonly lag: number | null;
      readonly pending: number;
      readonly failure?: string;
      readonly error_type?: string;
      readonly holder?: { readonly host: string; readonly pid: number };
    };
  };
}

/** What a `serve` says of where it is. */
type Screen = { readonly health: string } | { readonly receiver: string };

/** A body that is to arrive. */
export interface Request {
  readonly path: '/v1/traces' | '/v1/bridge';
  readonly type: 'application/x-protobuf' | 'application/json';
  readonly body: Buffer | string;
  readonly encoding?: 'gzip';
}

/** Milliseconds after which a run is over; so many times as long after which it is given up. */
export const SETTLE = 2_000;
const GIVEN_UP = 2.5;
/** Milliseconds after which nobody will answer. */
const PATIENCE = 900_000;
/** Milliseconds after which a request is made anew: whatever its first one has come to. */
const ANSWER = 60_000;
/** Milliseconds until what was refused is sent again: a tenth of what `Retry-After` asks for. */
const PAUSE = 100;
/** Of a second, as Linux counts. */
const TICKS = 100;
/** No fewer calls than come of a run or an entry. */
const CALLS = 10_000;
/** The tracers: one that hears at once, and one that is behind. */
const TRACERS = { quick: 0, slow: 2 } as const;

/**
 * A real `vcon-otel serve` that listens, is killed and started again, on the same journal, with tracers that write down what
 * they hear.
 */
export class ReceivingService {
  /** Processes so far. */
  readonly pids: number[] = [];
  readonly #killed = new Set<number>();
  readonly #folder: string;
  #child: Child<Screen> | undefined;
  #health = '';
  #receiver = Promise.withResolvers<string>();
  /** Answers "not now" so far. */
  #refused = 0;
  readonly #node: readonly string[];
  /** Milliseconds after which a run is over. */
  readonly settle: number;

  /**
   * @param config what it has besides these tracers, journal and ports, and how long it waits for what belongs to a run
   * @param node arguments of Node.js
   */
  constructor(
    folder: string,
    config: {
      readonly receivers?: object;
      readonly tracers?: object;
      readonly settle?: number;
      readonly [section: string]: object | string | number | undefined;
    },
    node: readonly string[] = [],
  ) {
    this.#folder = folder;
    this.#node = node;
    mkdirSync(folder, { recursive: true });
    const { receivers, tracers, settle = SETTLE, ...others } = config;
    this.settle = settle;
    const module = join(import.meta.dirname, 'call-file-tracer.ts');
    const writing = Object.entries(TRACERS).map(([name, milliseconds]) => [
      name,
      { module, options: { file: this.#file(name), milliseconds } },
    ]);
    const served = {
      log_level: 'warn',
      journal: { type: 'sqlite', path: join(folder, 'journal.db') },
      health: { port: 0 },
      ...others,
      tracers: { ...Object.fromEntries(writing), ...tracers },
      receivers: {
        http: { port: 0 },
        assembler: { settle: `${settle}ms`, timeout: `${GIVEN_UP * settle}ms`, ...ANY_TIME },
        ...receivers,
      },
    };
    // JSON is YAML.
    writeFileSync(this.#configFile, JSON.stringify(served));
  }

  /** @throws Error if it does not start */
  async start(): Promise<void> {
    const child = startChild<Screen>(VCON_OTEL, ['serve', this.#configFile], {
      node: this.#node,
      read,
    });
    this.#child = child;
    this.pids.push(child.pid);
    const { receiver } = await child.until((message) => 'receiver' in message);
    ({ health: this.#health } = await child.until((message) => 'health' in message));
    this.#receiver.resolve(receiver);
  }

  /** Starts it, and sends it a signal some milliseconds later, started or not. Resolves when it has ended. */
  async interrupt(milliseconds: number, signal: NodeJS.Signals): Promise<void> {
    const child = startChild<Screen>(VCON_OTEL, ['serve', this.#configFile], { node: this.#node, read });
    this.pids.push(child.pid);
    this.#killed.add(child.pid);
    await wait(milliseconds);
    child.kill(signal);
    const { code, stderr } = await child.ended;
    require(code === null || code === 0, () => `a start that was told to end did with ${code}: ${stderr}`);
  }

  /** Rejects when it ends by itself. */
  async dies(): Promise<never> {
    const ending = await this.#child?.ended;
    throw new Error(`the service ended with ${ending?.code ?? ending?.signal}: ${ending?.stderr}`);
  }

  /** kill -9, without a start. */
  async kill(): Promise<void> {
    this.#receiver = Promise.withResolvers();
    if (this.#child) this.#killed.add(this.#child.pid);
    this.#child?.kill('SIGKILL');
    const ending = await this.#child?.ended;
    require(ending?.signal === 'SIGKILL', () => `the service ended by itself: ${ending?.stderr}`);
  }

  /** Stops it in its tracks, until it is told to go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  /**
   * Sends until it is answered 200, by whichever process.
   * @param refusal what is an answer, too
   * @throws Error where it is refused for good
   */
  async post({ path, type, body, encoding }: Request, refusal = 200): Promise<void> {
    const headers = { 'content-type': type, ...(encoding && { 'content-encoding': encoding }) };
    for (const until = performance.now() + PATIENCE; ; ) {
      const url = await this.#receiver.promise;
      const signal = AbortSignal.timeout(ANSWER);
      try {
        const { status } = await fetch(`${url}${path}`, { method: 'POST', headers, body, signal });
        if (status === 200 || status === refusal) return;
        require(status === 503, () => `${path} was answered ${status}`);
        this.#refused += 1;
      } catch (error) {
        // What cannot be reached has been killed.
        if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error;
      }
      require(performance.now() < until, () => `${path} was not answered`);
      await wait(PAUSE);
    }
  }

  /** Seconds of a processor that it has had so far, children apart. */
  get processorTime(): number {
    const { pid } = this.#child ?? {};
    const [, ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) /);
    const [user = 0, system = 0] = fields.join('').split(' ').slice(11).map(Number);
    return (user + system) / TICKS;
  }

  /** The most memory that it has had so far, in MB. */
  get peakMemory(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
  }

  /** How often it answered 503 so far. */
  get refused(): number {
    return this.#refused;
  }

  async readyz(): Promise<ReceivingState> {
    const response = await fetch(`${this.#health}/readyz`, { signal: AbortSignal.timeout(ANSWER) });
    return (await response.json()) as ReceivingState;
  }

  /** Waits until every run is over, and told, as long as they become fewer. @throws Error where it ends by itself */
  quiet(): Promise<ReceivingState> {
    return Promise.race([this.#quiet(), this.dies()]);
  }

  async #quiet(): Promise<ReceivingState> {
    for (let left = Number.POSITIVE_INFINITY; ; ) {
      const state = await eventually(
        `fewer than ${left} calls are left`,
        async () => {
          const now = await this.readyz().catch(unanswered);
          return now && leftIn(now) < left ? now : undefined;
        },
        PATIENCE,
      );
      left = leftIn(state);
      if (left === 0) return state;
    }
  }

  /** Asks it to end. @throws Error unless it does, with exit code 0 */
  async stop(): Promise<void> {
    this.#receiver = Promise.withResolvers();
    this.#child?.kill('SIGTERM');
    const ending = await this.#child?.ended;
    require(ending?.code === 0, () => `the service ended with ${ending?.code}: ${ending?.stderr}`);
  }

  /** As {@link stop}, for good. @throws Error where a tracer heard twice what no kill excuses */
  async end(): Promise<HeardRuns[]> {
    await this.stop();
    return Object.keys(TRACERS).map((name) => heardRuns(this.#file(name), this.pids, this.#killed));
  }

  /** The file of what a tracer heard. */
  calls(tracer: keyof typeof TRACERS): string {
    return this.#file(tracer);
  }

  get #configFile(): string {
    return join(this.#folder, 'serve.yml');
  }

  #file(tracer: string): string {
    return join(this.#folder, `${tracer}.calls`);
  }
}

/** Calls that are still to be made, for all that is known. */
function leftIn({ tracers, receivers: { open_runs: open, redis_stream: stream } }: ReceivingState): number {
  const unread = stream ? (stream.lag ?? 1) + stream.pending : 0;
  return Object.values(tracers).reduce((sum, { pending }) => sum + pending, (open + unread) * CALLS);
}

/** A process that is busy answers late. */
function unanswered(error: unknown): undefined {
  if (error instanceof DOMException || error instanceof TypeError) return undefined;
  throw error;
}

/** Reads what `serve` shows. */
function read(line: string): Screen | undefined {
  const [, health] = /^ {2}health +(\S+)\/healthz/.exec(line) ?? [];
  if (health !== undefined) return { health };
  const [, receiver] = /^ {2}receivers +(\S+)\/v1\/traces takes OTLP/.exec(line) ?? [];
  return receiver === undefined ? undefined : { receiver };
}
