import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endChildren } from './child.ts';

/**
 * How much of a fault is injected: all of it, or what continuous integration has time for. Times are targets of the full form
 * alone, which has a machine to itself.
 */
export type Size = 'full' | 'short';

/** What a fault is injected with. */
export interface Injection {
  readonly size: Size;
  /** Of everything random. */
  readonly seed: number;
  /** An empty folder, removed afterwards. */
  readonly folder: string;
  /** Says what was done, a line at a time. */
  say(line: string): void;
}

/** One row of the table of faults. */
export interface Fault {
  readonly name: string;
  /** What is done to the process, in a line. */
  readonly title: string;
  /** What has to be there for it. @returns what is missing, in words */
  missing?(): string | undefined;
  /** @throws Error where a target is missed */
  inject(injection: Injection): Promise<void>;
}

/** The machine is so slow that what was to be seen could not be: nothing can be said of it, neither good nor bad. */
export class TooSlow extends Error {
  override readonly message = 'the machine is too slow for it';
}

/** Injects a fault in a folder of its own, of which nothing is left. @throws Error where a target is missed */
async function inject(
  fault: Fault,
  size: Size,
  say: (line: string) => void,
  seed = Math.floor(Math.random() * 2 ** 32),
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `vcon-otel-fault-${fault.name}-`));
  say(`${fault.name}: ${fault.title} (${size}, seed ${seed})`);
  try {
    await fault.inject({ size, seed, folder, say: (line) => say(`  ${line}`) });
  } finally {
    endChildren();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs faults as a command: `--short`, `--seed NUMBER`. What cannot be done here is said, and is a failure only in
 * continuous integration; what a slow machine cannot show is said, too, and is none. Sets the exit code.
 */
export async function runFaults(faults: readonly Fault[]): Promise<void> {
  // So that what is started here is ended with it.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const { argv } = process;
  const size = argv.includes('--short') ? 'short' : 'full';
  const seed = argv.includes('--seed') ? Number(argv[argv.indexOf('--seed') + 1]) : undefined;
  for (const fault of faults) {
    const missing = fault.missing?.();
    if (missing !== undefined) {
      console.log(`${fault.name}: skipped: ${missing}`);
      if (process.env.CI === 'true') process.exitCode = 1;
      continue;
    }
    const began = performance.now();
    try {
      await inject(fault, size, (line) => console.log(line), seed);
      console.log(`${fault.name}: held, in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
    } catch (error) {
      if (error instanceof TooSlow) {
        console.log(`${fault.name}: not measured: ${error.message}`);
        continue;
      }
      process.exitCode = 1;
      console.log(`${fault.name}: NOT HELD: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** @throws Error unless what was to be is */
export function require(held: boolean, otherwise: () => string): asserts held {
  if (!held) throw new Error(otherwise());
}
