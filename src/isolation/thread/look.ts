import { parentPort, workerData } from 'node:worker_threads';
import { checkTracerOptions, readsVcons } from '../../delivery/create-tracer.ts';
import type { TracerDefinition, TracerModule } from '../../model/tracer.ts';
import { importModule } from '../import-module.ts';
import type { LookAnswer, LookData, ModuleLook } from '../module-look.ts';
import { tell } from '../told.ts';

//  A thread for a look into a tracer's module, for commands that make no tracer. One answer, and it is ended.

const { name, file, options, question } = workerData as LookData;
const answer = await look().catch((error): LookAnswer => ({ error: tell(error) }));
parentPort?.postMessage(answer);

async function look(): Promise<LookAnswer> {
  const module = (await importModule(`tracers.${name}.module`, file)) as TracerModule;
  const { options: checked, faults } = checkTracerOptions({ name, module, options });
  const definition = module as Partial<TracerDefinition>;
  if (question.kind === 'probe')
    return { findings: (await definition.probe?.(checked, question.settings)) ?? [] };
  if (question.kind === 'erase') await definition.erasure?.erase(checked, question.vcon, question.pseudonym);
  if (question.kind !== 'look')
    return { mentions: (await definition.erasure?.mentions(checked, question.vcon)) ?? [] };
  const sound = faults.length === 0;
  const said: ModuleLook = {
    faults,
    readsVcons: sound && readsVcons(module, checked),
    remarks: (sound && definition.remarks?.(checked)) || [],
    files: (sound && definition.files?.(checked)) || [],
    ledger: (sound && definition.ledger?.(checked)) || undefined,
    hasProbe: definition.probe !== undefined,
    hasErasure: definition.erasure !== undefined,
  };
  return { look: said };
}
