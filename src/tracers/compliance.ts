import { hash } from 'node:crypto';
import { diag } from '@opentelemetry/api';
import { z } from 'zod';
import {
  KeyStore,
  type Ledger,
  type LedgerEntry,
  ledgerSigner,
  makeLedgerFolder,
  openLedger,
} from '../ledger/index.ts';
import { withDeadline } from '../model/deadline.ts';
import { DeliveryError } from '../model/delivery-error.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import type { EventName } from '../model/event.ts';
import { RarelyLogged } from '../model/rarely-logged.ts';
import { defineTracer, type EventContext } from '../model/tracer.ts';
import type { VconStore } from '../model/vcon.ts';
import { measureLedger } from './compliance/ledger-metrics.ts';
import { probe } from './compliance/probe.ts';

const schema = z.strictObject({
  directory: z.string().min(1),
  origin: z
    .string()
    .regex(/^[^\s+]{1,256}$/)
    .optional(),
  key_file: z.string().min(1).optional(),
  hash_algorithm: z.literal('sha256').default('sha256'),
  include_content_hash: z.boolean().default(true),
  content_binding: z.enum(['hmac', 'hash']).default('hmac'),
  retention_policy: z
    .string()
    .regex(/^[1-9]\d{0,4}_(years|days)$/)
    .default('7_years'),
  checkpoint: z
    .strictObject({
      every: z.int().min(1).max(1_000_000).default(1_000),
      interval: z
        .string()
        .regex(/^[1-9]\d{0,5}(s|m|h)$/)
        .default('60s'),
    })
    .default({ every: 1_000, interval: '60s' }),
  anchor: z.string().min(1).optional(),
});

type ComplianceOptions = z.output<typeof schema>;

/**
 * The conserver's documented compliance tracer, on a ledger that anyone can verify (docs/ledger.md): every event is one
 * record, and a call is answered when its record is on the disk.
 * @throws VconOtelError from `create`: `FILE_UNUSABLE`, `LEDGER_IN_USE`, `LEDGER_DAMAGED`, `KEY_INVALID`
 */
export default defineTracer({
  options: schema,
  audit: true,
  create(options, { name, vcons, meterProvider }) {
    const ledger = open(options, name);
    const release = meterProvider && measureLedger(ledger, name, meterProvider);
    const keys = new KeyStore(options.directory);
    const log = new RarelyLogged('vcon-otel/compliance');
    return {
      async trace(vcon_uuid, event, _opts, context) {
        const hashed = options.include_content_hash && HASHED.has(event);
        const content = hashed ? await contentOf(vcon_uuid, context, vcons, keys, options, log) : {};
        try {
          await ledger.append({ ...entryOf(vcon_uuid, event, context, options), ...content });
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
  probe: async (options) => probe(options),
});

/** The documented events whose records speak of the content. */
const HASHED: ReadonlySet<EventName> = new Set(['chain_complete', 'storage_complete']);

/** Milliseconds that the vCon store may take. */
const READ_TIMEOUT = 10_000;

function open(options: ComplianceOptions, name: string): Ledger {
  const { directory, origin, key_file, checkpoint, retention_policy, anchor } = options;
  const log = diag.createComponentLogger({ namespace: 'vcon-otel/compliance' });
  const rarely = new RarelyLogged('vcon-otel/compliance');
  const path = `tracers.${name}.options`;
  try {
    makeLedgerFolder(directory);
    const { signer, made } = ledgerSigner(directory, origin, key_file);
    if (made) log.info(`a signing key was made beside the ledger; its verifier key is ${signer.vkey}`);
    return openLedger({
      directory,
      signer,
      checkpoint: { every: checkpoint.every, interval: milliseconds(checkpoint.interval) },
      retention: { policy: retention_policy, period: period(retention_policy) },
      anchor,
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

function entryOf(
  vcon_uuid: string,
  event: EventName,
  context: EventContext,
  { retention_policy }: ComplianceOptions,
): Extract<LedgerEntry, { run_id: string }> {
  const { eventId, runId, chain, link, storage, linkIndex, inVconUuid, outcome, errorType, time } = context;
  const step = link ?? storage;
  const lifecycle = lifecycleOf(vcon_uuid, event, context);
  return {
    record_id: eventId,
    vcon_uuid,
    event,
    timestamp: new Date(time).toISOString(),
    retention_policy,
    actor: 'conserver',
    run_id: runId,
    chain,
    trace_id: context.spanContext.traceId,
    span_id: context.spanContext.spanId,
    ...(inVconUuid === vcon_uuid ? {} : { in_vcon_uuid: inVconUuid }),
    ...(step === undefined ? {} : { step }),
    ...(linkIndex === undefined ? {} : { step_index: linkIndex }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(errorType === undefined ? {} : { error_type: errorType }),
    ...(lifecycle === undefined ? {} : { lifecycle }),
  };
}

/**
 * The word of draft-howe-vcon-lifecycle that fits: a link that ended well enhanced the vCon, or made another one of it.
 * It has none for a chain's start (nobody sent the vCon) or for a storage.
 */
function lifecycleOf(vconUuid: string, event: EventName, { outcome, inVconUuid }: EventContext) {
  if (event !== 'link_complete' || outcome !== 'success') return undefined;
  return inVconUuid === vconUuid ? 'vcon_enhanced' : 'vcon_created';
}

/** What is said of the content. Never rejects: that a document is gone must not keep the event off the record. */
async function contentOf(
  vconUuid: string,
  { vconSha256 }: EventContext,
  vcons: VconStore,
  keys: KeyStore,
  { hash_algorithm, content_binding }: ComplianceOptions,
  log: RarelyLogged,
) {
  // The chain does not wait, so it may have gone on meanwhile.
  const said = { hash_algorithm, content_binding, content_observed: 'at_delivery' } as const;
  const then = { ...said, content_observed: 'at_event' } as const;
  if (content_binding === 'hash' && vconSha256 !== undefined) return { ...then, content_hash: vconSha256 };
  const missing = (content_missing: 'not_found' | 'unavailable' | 'key_destroyed') => ({
    ...said,
    content_hash: null,
    content_missing,
  });
  try {
    const text = await withDeadline(vcons.read(vconUuid), READ_TIMEOUT, 'reading a vCon');
    if (text === undefined) return missing('not_found');
    const sha256 = hash('sha256', text, 'hex');
    if (content_binding === 'hash') return { ...said, content_hash: sha256 };
    const content_hash = await keys.hmac(vconUuid, text);
    if (content_hash === undefined) return missing('key_destroyed');
    return { ...(sha256 === vconSha256 ? then : said), content_hash };
  } catch (error) {
    log.warn('content', `the content of a vCon could not be hashed, as its record says: ${errorType(error)}`);
    return missing('unavailable');
  }
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

function milliseconds(interval: string): number {
  // A timer keeps no longer delay.
  return Math.min(Number.parseInt(interval, 10) * (SECONDS[interval.slice(-1)] ?? 1) * 1e3, 2_147_483_647);
}

function period(policy: string): number {
  const days = policy.endsWith('_years') ? 365.25 : 1;
  return Number.parseInt(policy, 10) * days * 86_400_000;
}
