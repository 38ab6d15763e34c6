import { diag } from '@opentelemetry/api';
import {
  KeyStore,
  type Ledger,
  ledgerSigner,
  makeLedgerFolder,
  openLedger,
  openMirror,
  retentionPeriod,
} from '../ledger/index.ts';
import { DeliveryError } from '../model/delivery-error.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { EventName } from '../model/event.ts';
import { ThrottledLog } from '../model/throttled-log.ts';
import { defineTracer } from '../model/tracer.ts';
import { contentHash } from './compliance/content-hash.ts';
import { eventEntry } from './compliance/event-entry.ts';
import { measureLedger } from './compliance/ledger-metrics.ts';
import {
  type ComplianceOptions,
  checkpointInterval,
  options,
  remarks,
  witnessing,
} from './compliance/options.ts';
import { FORMER_KEY, probe, probeMirrorOf, probeWitnessesOf } from './compliance/probe.ts';

/**
 * The conserver's documented compliance tracer, on a ledger that anyone can verify (docs/ledger.md): every event is one
 * record, and a call is answered when its record is on disk.
 * @throws VconOtelError from `create`: `FILE_UNUSABLE`, `LEDGER_IN_USE`, `LEDGER_DAMAGED`, `LEDGER_ROLLED_BACK`, `KEY_INVALID`
 */
export default defineTracer({
  options,
  audit: true,
  readsVcons: ({ include_content_hash }) => include_content_hash,
  create(given, { name, vcons, meterProvider }) {
    const ledger = open(given, name);
    const release = meterProvider && measureLedger(ledger, name, meterProvider);
    const keys = new KeyStore(given.directory);
    const log = new ThrottledLog('vcon-otel/compliance');
    return {
      async trace(vcon_uuid, event, _opts, context) {
        const hashed = given.include_content_hash && HASHED.has(event);
        const content = hashed ? await contentHash(vcon_uuid, context, vcons, keys, given, log) : {};
        try {
          await ledger.append({
            ...eventEntry(vcon_uuid, event, context, given.retention_policy),
            ...content,
          });
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          throw new DeliveryError('this event cannot be recorded', { permanent: true, cause: error });
        }
      },
      forceFlush: () => ledger.flush(),
      shutdown() {
        release?.();
        return ledger.close();
      },
    };
  },
  probe: async (given, { timeout }) => [
    ...probe(given),
    ...(await probeMirrorOf(given, timeout)),
    ...(await probeWitnessesOf(given, timeout)),
  ],
  ledger: ({ directory }) => directory,
  remarks,
  erasure: {
    mentions: async (given, vcon) => (await import('./compliance/erasure.ts')).mentions(given, vcon),
    erase: async () => {},
  },
  files: ({ directory, key_file, mirror }) => [
    directory,
    ...(key_file === undefined ? [] : [key_file]),
    ...(mirror?.type === 'directory' ? [mirror.path] : []),
  ],
});

/** The documented events whose records have a hash of the content. */
const HASHED: ReadonlySet<EventName> = new Set(['chain_complete', 'storage_complete']);

function open(given: ComplianceOptions, name: string): Ledger {
  const { directory, origin, key_file, checkpoint, retention_policy, anchor } = given;
  const log = diag.createComponentLogger({ namespace: 'vcon-otel/compliance' });
  const rarely = new ThrottledLog('vcon-otel/compliance');
  const path = `tracers.${name}.options`;
  try {
    makeLedgerFolder(directory);
    const { signer, made, isElsewhere } = ledgerSigner(directory, origin, key_file);
    if (made) log.info(`a signing key was created beside the ledger; its verifier key is ${signer.vkey}`);
    if (isElsewhere) log.warn(`${FORMER_KEY}: set key_file to its file`);
    return openLedger({
      directory,
      signer,
      keyFile: key_file,
      checkpoint: {
        every: checkpoint.every,
        interval: checkpointInterval(checkpoint.interval),
        heartbeat: checkpointInterval(checkpoint.heartbeat),
      },
      retention: {
        policy: retention_policy,
        // What a label does not say, nobody may guess: nothing is deleted.
        period: retentionPeriod(retention_policy) ?? Number.POSITIVE_INFINITY,
      },
      anchor,
      witnessing: witnessing(given),
      mirror: given.mirror && openMirror(given.mirror),
      notice: (about, text) => rarely.warn(about, text),
    });
  } catch (cause) {
    const [code, text] =
      cause instanceof VconOtelError
        ? ([cause.code, cause.message] as const)
        : (['FILE_UNUSABLE', `the ledger cannot be opened: ${errorType(cause)}`] as const);
    throw new VconOtelError(code, `${path}: ${text}`, { path, cause });
  }
}
