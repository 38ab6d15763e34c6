import { dirname, join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { vconOtel } from './command-line.ts';
import { type Fault, type Injection, require, runFaults } from './fault.ts';
import { Heard } from './heard.ts';
import { RUN_EVENTS } from './numbered-runs.ts';
import { type Served, type ServedConfig, startServed, writeConfig } from './served.ts';
import { missingSmallDisk, smallDisk } from './small-disk.ts';
import { failNow, missingStrace } from './strace.ts';

/** A journal on a disk that is full or read-only: from the start, and under a running service. */
export const unwritable: Fault = {
  name: 'unwritable',
  title: 'a disk that is full or read-only, from the start and under a running service',
  missing: () => missingSmallDisk() ?? missingStrace(),
  inject: async (injection) => {
    await fromTheStart(injection);
    await underService(injection);
  },
};

/** A service that cannot write its journal does not start, and says why. */
async function fromTheStart({ folder, say }: Injection): Promise<void> {
  const disk = await smallDisk(join(folder, 'start'), '4m');
  const [fresh = '', ended = '', killed = ''] = ['fresh', 'ended', 'killed'].map((name) =>
    join(disk.path, name, 'journal.db'),
  );
  for (const journal of [ended, killed]) {
    const service = await startServed(folder, configOf(journal), { under: disk.under });
    await service.feed();
    // So much that the log does not fit into the pages that the file has.
    await service.child.until((message) => 'heard' in message && message.run > 10);
    if (journal === ended) await service.stop();
    service.child.kill(journal === ended ? 'SIGTERM' : 'SIGKILL');
    await service.child.ended;
  }
  const reasons = new Set<string>();
  const refuse = async (journal: string) => {
    const args = ['serve', writeConfig(folder, configOf(journal))];
    const { code, stdout, stderr } = await vconOtel(args, disk.under);
    const [, reason] = /^vcon-otel: the journal \S+ cannot be used: (\w+)\n$/.exec(stderr) ?? [];
    require(code === 1 && stdout === '' && reason !== undefined, () =>
      `a service that could not write its journal ended with ${code}: ${stdout}${stderr}`);
    reasons.add(reason);
  };
  disk.mountReadOnly();
  for (const journal of [fresh, ended, killed]) await refuse(journal);
  disk.mountWritable();
  disk.fill();
  for (const journal of [fresh, ended, killed]) await refuse(journal);
  say(`a service that starts on a read-only or full disk ends with code 1: ${[...reasons].join(', ')}`);
}

/** One that runs waits until it can, and has lost nothing. */
async function underService({ size, folder, say }: Injection): Promise<void> {
  const rounds = { full: 15, short: 2 }[size];
  const disk = await smallDisk(join(folder, 'running'), '16m');
  const journal = join(disk.path, 'data', 'journal.db');
  const heard = new Heard();
  const service = await startServed(folder, configOf(journal), { under: disk.under });
  await service.feed();
  const totals = { waited: 0 };
  const times = 3 * rounds;
  for (let round = 0; round < rounds; round += 1) {
    await requireFailing(service, totals, disk.fill);
    disk.makeRoom();
    await requireRecovered(service);

    // Once it has let go of the file, it cannot open it but to read.
    await requireFailing(service, totals, disk.fill);
    disk.mountReadOnly();
    disk.makeRoom();
    await requireFailing(service, totals);
    disk.mountWritable();
    await requireRecovered(service);

    // With the file in its hands, as a disk does that the system makes read-only after an error.
    const mend = await failNow(service.child.pid, WRITING, 'EROFS', filesOf(journal));
    await requireFailing(service, totals);
    await mend();
    await requireRecovered(service);
  }
  const runs = await service.stop();
  const { issues, tracers } = await service.caughtUp();
  const { journal_unwritable: told = 0, ...others } = issues;
  require(told >= times && Object.keys(others).length === 0, () =>
    `after ${times} times the issues were ${JSON.stringify(issues)}`);
  for (const [name, { dead, dropped }] of Object.entries(tracers))
    require(dead === 0 && dropped === 0, () => `${name}: ${JSON.stringify(tracers[name])}`);
  await service.end();
  heard.add(service.child.messages);
  for (const tracer of ['quick', 'slow']) heard.requireAll(tracer, runs);

  const next = await startServed(folder, configOf(journal), { under: disk.under });
  const { tracers: left } = await next.readyz();
  require(left.quick?.pending === 0 && left.slow?.pending === 0, () =>
    `after the restart something was pending: ${JSON.stringify(left)}`);
  await next.end();
  say(
    `${times} times under a service: told, not ready; ${totals.waited.toLocaleString('en')} events waited for the disk; ${runs} runs heard by each of two tracers, 0 lost, 0 twice`,
  );
}

const WRITING = ['openat', 'pwrite64', 'ftruncate', 'fsync', 'fdatasync'];

function filesOf(journal: string): string[] {
  return [dirname(journal), ...['', '-wal', '-shm'].map((end) => journal + end)];
}

function configOf(journal: string): ServedConfig {
  return {
    journal,
    tracers: {
      quick: { options: { pace: 20 } },
      slow: { options: { milliseconds: 5 }, delivery: { concurrency: 6 } },
    },
  };
}

/**
 * It says that it is not ready and why; what is accepted meanwhile is given to nobody, as it is not durable.
 * @param keep keeps the disk full, also of what the journal itself gives back
 */
async function requireFailing(
  service: Served,
  totals: { waited: number },
  keep: () => void = () => {},
): Promise<void> {
  let since: { readonly told: number; readonly events: number; readonly given: number } | undefined;
  totals.waited += await eventually('the service says that it cannot write, and goes on', async () => {
    keep();
    const { status, troubles, events, issues, tracers } = await service.readyz();
    const told = issues.journal_unwritable ?? 0;
    const isFailing = status === 503 && troubles.includes('the journal cannot be written');
    const given = tracers.quick?.ok ?? 0;
    // There was room again, if only for a moment.
    if (!isFailing || told !== since?.told) since = undefined;
    if (!isFailing) return undefined;
    since ??= { told, events, given };
    const more = given - since.given;
    require(more === 0, () => `${more} events were given to a tracer that were not durable`);
    return events > since.events + 2 * RUN_EVENTS ? events - since.events : undefined;
  });
}

async function requireRecovered(service: Served): Promise<void> {
  await eventually('the service is ready again', async () =>
    (await service.readyz()).status === 200 ? true : undefined,
  );
  await service.child.next((message) => 'heard' in message && message.by === 'quick');
}

if (import.meta.main) await runFaults([unwritable]);
