import { parseArgs } from 'node:util';
import { clock } from './clock.ts';
import { deleted } from './deleted.ts';
import { disk } from './disk.ts';
import { type Fault, runFaults } from './fault.ts';
import { floods } from './floods.ts';
import { kill } from './kill.ts';
import { outage } from './outage.ts';
import { receive } from './receive.ts';
import { redis } from './redis.ts';
import { sigterm } from './sigterm.ts';
import { tracers } from './tracers.ts';
import { unwritable } from './unwritable.ts';
import { upgrade } from './upgrade.ts';

/** The table of faults. */
export const faults: readonly Fault[] = [
  kill,
  disk,
  tracers,
  outage,
  clock,
  unwritable,
  deleted,
  sigterm,
  upgrade,
  receive,
  redis,
  floods,
];

/** `npm run faults -- [--short] [--seed NUMBER] [NAME...]` */
async function run(): Promise<void> {
  const { positionals, values } = parseArgs({
    options: { short: { type: 'boolean' }, seed: { type: 'string' }, only: { type: 'string' } },
    allowPositionals: true,
  });
  const names = values.only === undefined ? positionals : [...positionals, values.only];
  const unknown = names.filter((named) => !faults.some(({ name }) => name === named));
  if (unknown.length === 0)
    return runFaults(faults.filter(({ name }) => names.length === 0 || names.includes(name)));
  console.log(
    `There is no fault ${unknown.join(', ')}; there are ${faults.map(({ name }) => name).join(', ')}.`,
  );
  process.exitCode = 2;
}

if (import.meta.main) await run();
