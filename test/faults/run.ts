import { clock } from './clock.ts';
import { deleted } from './deleted.ts';
import { disk } from './disk.ts';
import { type Fault, runFaults } from './fault.ts';
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
];

/** `npm run faults -- [--short] [--only NAME] [--seed NUMBER]` */
async function run(): Promise<void> {
  const { argv } = process;
  const only = argv.includes('--only') ? argv[argv.indexOf('--only') + 1] : undefined;
  const chosen = faults.filter(({ name }) => only === undefined || name === only);
  if (chosen.length > 0) return runFaults(chosen);
  console.log(`There is no fault ${only}; there are ${faults.map(({ name }) => name).join(', ')}.`);
  process.exitCode = 2;
}

if (import.meta.main) await run();
