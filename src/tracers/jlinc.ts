import { defineTracer } from '../model/tracer.ts';
import type { JlincTracer } from './jlinc/jlinc-tracer.ts';
import { options } from './jlinc/options.ts';
import { ReceiptFile } from './jlinc/receipt-file.ts';

/**
 * The conserver's documented JLINC tracer: every step of a vCon as an event between two entities of a JLINC data store,
 * which signs a receipt. A call is answered when the receipt has been verified and is on the disk.
 * @throws VconOtelError `FILE_UNUSABLE` from `create` for `directory`
 */
export default defineTracer({
  options,
  completion: false,
  audit: true,
  readsVcons: () => true,
  create(checked, { name, vcons }) {
    const receipts = new ReceiptFile(checked.directory, `tracers.${name}.options.directory`);
    let tracer: Promise<JlincTracer> | undefined;
    async function make(): Promise<JlincTracer> {
      const { JlincTracer } = await import('./jlinc/jlinc-tracer.ts');
      return new JlincTracer(checked, name, vcons, receipts);
    }
    return {
      async run(inVconUuid, outVconUuid, _name, links, linkIndex, _opts, context) {
        tracer ??= make();
        await (await tracer).run({ inVconUuid, outVconUuid, links, linkIndex, context });
      },
      async shutdown() {
        // Where it could not be loaded every call has said so, and there is nothing to close.
        await (await tracer?.catch(() => undefined))?.close();
        await receipts.close();
      },
    };
  },
  files: ({ directory }) => [directory],
  erasure: {
    mentions: async (given, vcon) => (await import('./jlinc/erasure.ts')).mentions(given, vcon),
    erase: async (given, vcon) => (await import('./jlinc/erasure.ts')).erase(given, vcon),
  },
  async probe(checked, { timeout }) {
    const { probe } = await import('./jlinc/probe.ts');
    return probe(checked, timeout);
  },
});
