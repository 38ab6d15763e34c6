import { Worker } from 'node:worker_threads';
import { threadEnvironment } from '../config/thread-environment.ts';
import type { ProbeSettings } from '../model/component.ts';
import type { ErasedVcon, Mention } from '../model/erasure.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { Fault } from '../model/fault.ts';
import type { Finding } from '../model/finding.ts';
import type { Options } from '../model/tracer.ts';
import type { Told } from './messages.ts';
import { toldError } from './told.ts';

/** As source, or as what was built from it. */
const THREAD = new URL(`./thread/look.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
/** Milliseconds after which it is too long: a little more than a module has to be loaded, which says more. */
const PATIENCE = 35_000;

/** Which tracer's module is looked at. */
export interface LookedAt {
  /** The tracer's name in the configuration. */
  readonly name: string;
  /** Its module. */
  readonly file: string;
  /** As they are written in the configuration. */
  readonly options: Options;
}

/** What a tracer's module says of itself and of its options, without a tracer being made. */
export interface ModuleLook {
  readonly faults: readonly Fault[];
  readonly readsVcons: boolean;
  readonly remarks: readonly string[];
  /** What it makes on the disk. */
  readonly files: readonly string[];
  /** Where it keeps a ledger, if it does. */
  readonly ledger: string | undefined;
  /** Whether it can look if what it depends on is there. */
  readonly hasProbe: boolean;
  /** Whether a vCon can be erased from what it keeps. */
  readonly hasErasure: boolean;
}

/** What is asked of a module. */
export type LookQuestion =
  /** What it says of itself. */
  | { readonly kind: 'look' }
  /** Whether what it depends on is there. */
  | { readonly kind: 'probe'; readonly settings: ProbeSettings }
  | { readonly kind: 'mentions'; readonly vcon: ErasedVcon }
  | { readonly kind: 'erase'; readonly vcon: ErasedVcon; readonly pseudonym: string };

/** What the thread is started with. */
export interface LookData extends LookedAt {
  readonly question: LookQuestion;
}

/** What the thread answers. */
export type LookAnswer =
  | { readonly look: ModuleLook }
  | { readonly findings: readonly Finding[] }
  | { readonly mentions: readonly Mention[] }
  | { readonly error: Told };

/**
 * Looks into the module of somebody else's tracer, in a thread of its own: one that hangs, exits or is greedy does that there.
 * @param patience milliseconds
 * @throws VconOtelError `MODULE_INVALID`, also where the thread ends or does not answer
 */
export async function lookIntoModule(what: LookedAt, patience = PATIENCE): Promise<ModuleLook> {
  const answer = await ask(what, { kind: 'look' }, patience);
  if ('look' in answer) return answer.look;
  throw unanswered(what, 'it gave another answer');
}

/**
 * Has a tracer of somebody else's look whether what it depends on is there, as {@link lookIntoModule}.
 * @throws VconOtelError `MODULE_INVALID`; what its `probe` throws, by its type alone
 */
export async function probeModule(what: LookedAt, settings: ProbeSettings): Promise<readonly Finding[]> {
  const answer = await ask(what, { kind: 'probe', settings }, PATIENCE);
  if ('findings' in answer) return answer.findings;
  throw unanswered(what, 'it gave another answer');
}

/**
 * Has a tracer of somebody else's count what names a vCon in what it keeps; with a pseudonym, erase that first. As {@link lookIntoModule}.
 * @throws VconOtelError `MODULE_INVALID`; what its `erasure` throws, by its type alone
 */
export async function eraseInModule(
  what: LookedAt,
  vcon: ErasedVcon,
  pseudonym?: string,
): Promise<readonly Mention[]> {
  const question: LookQuestion =
    pseudonym === undefined ? { kind: 'mentions', vcon } : { kind: 'erase', vcon, pseudonym };
  const answer = await ask(what, question, ERASING);
  if ('mentions' in answer) return answer.mentions;
  throw unanswered(what, 'it gave another answer');
}

/** Milliseconds that a module may take to look through all that it keeps. */
const ERASING = 3_600_000;

async function ask(what: LookedAt, question: LookQuestion, patience: number): Promise<LookAnswer> {
  const data: LookData = { ...what, question };
  const worker = new Worker(THREAD, {
    workerData: data,
    name: `vcon-otel ${data.name}`.slice(0, 60),
    execArgv: [],
    env: threadEnvironment(),
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<LookAnswer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', (error) => reject(unanswered(data, `uncaught ${errorType(error)}`)));
      worker.once('exit', () => reject(unanswered(data, 'it ended its thread')));
      timer = setTimeout(() => reject(unanswered(data, `no answer within ${patience / 1e3} s`)), patience);
    });
    if ('error' in answer) throw toldError(answer.error);
    return answer;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function unanswered({ name }: LookedAt, why: string): VconOtelError {
  const path = `tracers.${name}.module`;
  return new VconOtelError('MODULE_INVALID', `${path}: the module could not be looked at (${why})`, { path });
}
