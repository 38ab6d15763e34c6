import { closeSync, openSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { residentMemory } from '../../src/model/memory.ts';
import { MemoryGuard } from '../../src/service/memory-guard.ts';

//  A process that may open no further file, for as long as the memory guard needs to look at it.

const guard = new MemoryGuard();
const open: number[] = [];
try {
  for (;;) open.push(openSync('/dev/null', 'r'));
} catch {
  const without = residentMemory();
  await wait(2_500);
  for (const one of open) closeSync(one);
  console.log(
    JSON.stringify({ without: without ?? null, isTight: guard.isTight, after: typeof residentMemory() }),
  );
}
guard.close();
