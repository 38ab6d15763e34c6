import { diag } from '@opentelemetry/api';
import { backOff } from '../../model/back-off.ts';
import { DeliveryError } from '../../model/delivery-error.ts';
import { plainErrorType } from '../../model/error.ts';
import { LogThrottle } from '../../model/log-throttle.ts';
import type { ConserverTracer, Options } from '../../model/tracer.ts';
import { HostProcess, type PythonModule, type Said } from './host-process.ts';

const log = diag.createComponentLogger({ namespace: 'vcon-otel/python' });

/** Milliseconds for what is left at shutdown. */
const SHUTDOWN_TIMEOUT = 5_000;
/** Milliseconds before a process that has ended is started again; longer and longer while none lives. */
const RESTART = { initialInterval: 500, maxInterval: 30_000 };

interface Pending {
  readonly answer: Promise<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/** Which of the two documented functions a module has. */
export interface Functions {
  readonly trace: boolean;
  readonly run: boolean;
}

/**
 * A tracer whose functions are Python's, in a process of their own, which is started again when it ends. A call that it took with it
 * has failed, and is made again as any other.
 */
export class HostedTracer {
  readonly #module: PythonModule;
  readonly #opts: Options;
  readonly #name: string;
  readonly #timeout: number;
  readonly #throttle = new LogThrottle();
  readonly #pending = new Map<number, Pending>();
  #host: HostProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #ends = 0;
  #calls = 0;
  #closing: Promise<void> | undefined;
  #ended: () => void = () => undefined;

  /** @param timeout milliseconds that a call may take; after that its process is ended, since nothing else ends a call of Python */
  constructor(module: PythonModule, name: string, opts: Options, timeout: number) {
    this.#module = module;
    this.#opts = opts;
    this.#name = name;
    this.#timeout = timeout;
    this.#start();
  }

  /** As delivery calls it. */
  tracer({ trace, run }: Functions): ConserverTracer {
    return {
      ...(trace && { trace: (uuid, event) => this.#call('trace', [uuid, event]) }),
      ...(run && {
        run: (from, to, tracer, links, index) => this.#call('run', [from, to, tracer, links, index]),
      }),
      forceFlush: () => this.#answered(),
      shutdown: () => {
        this.#closing ??= this.#close();
        return this.#closing;
      },
    };
  }

  /** Resolves when every call under way is answered. */
  async #answered(): Promise<void> {
    await Promise.allSettled([...this.#pending.values()].map(({ answer }) => answer));
  }

  async #close(): Promise<void> {
    clearTimeout(this.#restart);
    const host = this.#host;
    if (!host) return;
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    host.isHeld = true;
    host.finish();
    const timer = setTimeout(() => host.kill(), SHUTDOWN_TIMEOUT);
    await ended;
    clearTimeout(timer);
  }

  #call(kind: 'trace' | 'run', args: readonly unknown[]): Promise<unknown> {
    const host = this.#host;
    if (!host || this.#closing) return Promise.reject(new PythonError('ProcessEnded'));
    const id = ++this.#calls;
    const { promise: answer, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => {
      this.#say('warn', 'hung', `a call took too long, so its process is ended`);
      host.kill();
    }, this.#timeout);
    this.#pending.set(id, { answer, resolve, reject, timer });
    host.isHeld = true;
    host.send([id, kind, args, this.#opts]);
    return answer;
  }

  #start(): void {
    const host = new HostProcess(this.#module, {
      said: (said) => this.#said(said),
      printed: () => this.#say('info', 'printed', `it prints; what it prints is not shown`),
      ended: (reason) => this.#hasEnded(host, reason),
    });
    this.#host = host;
    host.isHeld = false;
  }

  #said({ id, error, log: level, failed, false: isFalse }: Said): void {
    if (level) this.#say(level, `logged ${level}`, `it has logged at level ${level}; the text is not shown`);
    if (failed !== undefined)
      this.#say('warn', 'failed', `its module cannot be imported any more (${plainErrorType(failed)})`);
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || !pending) return;
    this.#settle(id, pending);
    this.#ends = 0;
    if (error) pending.reject(errorOf(error));
    else pending.resolve(isFalse ? false : undefined);
  }

  #settle(id: number, { timer }: Pending): void {
    clearTimeout(timer);
    this.#pending.delete(id);
    if (this.#pending.size === 0 && this.#host && !this.#closing) this.#host.isHeld = false;
  }

  /** At once the first time, then at most once a minute, with a count. */
  #say(level: 'error' | 'warn' | 'info', key: string, text: string): void {
    const times = this.#throttle.take(key);
    if (times > 0) log[level](`tracer ${this.#name}: ${text}${times === 1 ? '' : ` (${times} times)`}`);
  }

  #hasEnded(host: HostProcess, reason: string): void {
    if (this.#host !== host) return;
    this.#host = undefined;
    for (const [id, pending] of [...this.#pending]) {
      this.#settle(id, pending);
      pending.reject(new PythonError('ProcessEnded'));
    }
    this.#ended();
    if (this.#closing) return;
    this.#ends += 1;
    this.#say('warn', 'ended', `its process has ended (${reason}) and is started again`);
    this.#restart = setTimeout(() => this.#start(), backOff(RESTART, this.#ends, Math.random));
    this.#restart.unref();
  }
}

/** What Python raised, by its class alone. */
class PythonError extends Error {
  constructor(type: string) {
    super('the tracer failed');
    this.name = plainErrorType(type);
  }
}

function errorOf({ type, permanent, retry_after }: NonNullable<Said['error']>): Error {
  if (!permanent && retry_after === undefined) return new PythonError(type);
  const error = new DeliveryError('the tracer failed', {
    permanent: permanent === true,
    retryAfter: retry_after,
  });
  error.name = plainErrorType(type);
  return error;
}
