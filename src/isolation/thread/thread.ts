import { parentPort, workerData } from 'node:worker_threads';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import {
  checkTracerOptions,
  createTracer,
  isSpanProcessor,
  readsVcons,
} from '../../delivery/create-tracer.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import type { ConserverTracer, TracerDefinition, TracerModule } from '../../model/tracer.ts';
import { importModule } from '../import-module.ts';
import type { Asked, Description, FromThread, ThreadStart, ToThread } from '../messages.ts';
import { SharedState } from '../shared-state.ts';
import { tell } from '../told.ts';
import { Answers } from './answers.ts';
import { IsolatedCalls } from './isolated-calls.ts';
import { spareProcess } from './own-process.ts';
import { RemoteMeters } from './remote-meters.ts';
import { RemoteVcons } from './remote-vcons.ts';

//  A thread of a tracer's own: the main one knows nothing of the tracer's module, and is told nothing of what it throws.

/** Milliseconds between two signs that the tracer yields. */
const BEAT = 250;

const { name, file, options, timeout, shared: memory, port } = workerData as ThreadStart;
// What the tracer says over the ports that it can find is for nobody: it would be kept in the main thread, however much it is.
delete (workerData as { port?: unknown }).port;
parentPort?.close();
const shared = new SharedState(memory);
const answers = new Answers(shared, say);
const vcons = new RemoteVcons(say);
const meterProvider = new RemoteMeters(say);

shared.beat();
setInterval(() => shared.beat(), BEAT);
process.on('unhandledRejection', (error) => say({ is: 'stray', type: errorType(error) }));
relayDiagnostics();
spareProcess();
try {
  await begin();
} catch (error) {
  say({ is: 'unmade', error: tell(error) });
}

function say(word: FromThread): void {
  port.postMessage(word);
}

async function begin(): Promise<void> {
  const module = (await importModule(`tracers.${name}.module`, file)) as TracerModule;
  const bound = createTracer({ name, module, options }, { vcons, meterProvider });
  if (isSpanProcessor(bound)) {
    const path = `tracers.${name}`;
    throw new VconOtelError(
      'MODULE_INVALID',
      `${path}: it takes spans, which do not leave their thread: write isolation: none`,
      { path },
    );
  }
  const calls = new IsolatedCalls(bound, timeout, shared, answers);
  port.on('message', (word: ToThread) => {
    if (word.is === 'calls') void calls.take(word.batch);
    else if (word.is === 'looked_up') vcons.answered(word);
    else void answer(word.id, word.what);
  });
  const { tracer, completion } = bound;
  say({ is: 'ready', description: { ...describe(module), has: has(tracer), completion } });

  async function answer(id: number, what: Asked): Promise<void> {
    try {
      if (typeof what === 'object')
        say({ is: 'done', id, observed: await meterProvider.observe(what.observe) });
      else {
        await (what === 'shutdown' ? shutDown() : tracer.forceFlush?.());
        say({ is: 'done', id });
      }
    } catch (error) {
      say({ is: 'done', id, error: tell(error) });
    }
  }

  async function shutDown(): Promise<void> {
    try {
      await tracer.shutdown?.();
    } finally {
      await printed();
    }
  }
}

function has({ trace, traceBatch, run }: ConserverTracer): Description['has'] {
  return { trace: trace !== undefined, traceBatch: traceBatch !== undefined, run: run !== undefined };
}

function describe(module: TracerModule): Omit<Description, 'has' | 'completion'> {
  const { options: checked } = checkTracerOptions({ name, module, options });
  const { audit, remarks, files } = module as Partial<TracerDefinition>;
  return {
    audit: audit === true,
    readsVcons: readsVcons(module, checked),
    remarks: remarks?.(checked) ?? [],
    files: files?.(checked) ?? [],
  };
}

/** What was printed has gone to the main thread: until it has, the end of this one takes it along. */
async function printed(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
}

/** What is said here comes out where everything does. */
function relayDiagnostics(): void {
  const relay =
    (level: Extract<FromThread, { is: 'said' }>['level']) =>
    (...words: unknown[]) =>
      say({ is: 'said', level, words: words.filter((word) => typeof word === 'string') });
  const logger = { error: relay('error'), warn: relay('warn'), info: relay('info') };
  diag.setLogger({ ...logger, debug: relay('debug'), verbose: () => undefined }, DiagLogLevel.INFO);
}
