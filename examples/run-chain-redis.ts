import { type Chain, runChain, startTracing } from 'vcon-otel';
import { redisVconStore } from 'vcon-otel/vcon-store';

// A worker as the conserver has them: it takes vCons off an ingress list in Redis until that is empty.
const redis = redisVconStore({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' });

const tracing = await startTracing(
  {
    log_level: 'warn',
    tracers: {
      // Fail-closed: the chain waits until this tracer has heard each step.
      audit: {
        module: 'tracers.compliance',
        options: { directory: process.env.LEDGER ?? './data/ledger', dlq_vcon_on_error: true },
      },
    },
  },
  { vcons: redis },
);

const chain: Chain = {
  name: 'main',
  links: [
    {
      name: 'tag',
      options: { tag: 'heard' },
      run: async (uuid, { vcons, options }) => {
        const vcon = JSON.parse((await vcons.read(uuid)) ?? '{}');
        // Nothing to keep: a link that returns nothing halts the chain.
        if (vcon.dialog?.length === 0) return null;
        await vcons.write(uuid, JSON.stringify({ ...vcon, tags: [options.tag] }));
        return uuid;
      },
    },
    {
      name: 'analyze',
      run: async (uuid, { vcons }) => {
        const { analysis } = JSON.parse((await vcons.read(uuid)) ?? '{}');
        // What a link throws sends the vCon to the dead letters, `DLQ:default`.
        if (analysis === 'broken') throw new RangeError('this vCon cannot be analyzed');
        return uuid;
      },
    },
  ],
  storages: [
    // They run side by side; one that fails changes nothing else.
    { name: 'archive', save: (uuid) => redis.push('archived', uuid) },
    { name: 'warehouse', save: () => Promise.reject(new Error('the warehouse is closed')) },
  ],
  egressLists: ['next'],
};

const settings = { vcons: redis, queue: redis, ingressList: 'default', timeout: 30_000 };
for (let vcon = await redis.pop('default'); vcon; vcon = await redis.pop('default')) {
  const { outcome, deadLettered } = await runChain(chain, vcon, settings);
  console.log(`${vcon.uuid} ${outcome}${deadLettered ? ', a dead letter' : ''}`);
}

await tracing.shutdown();
await redis.close();
