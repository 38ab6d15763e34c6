import { hashOf, type KeyStore } from '../../ledger/index.ts';
import { withDeadline } from '../../model/deadline.ts';
import { errorType } from '../../model/error.ts';
import type { ThrottledLog } from '../../model/throttled-log.ts';
import type { EventContext } from '../../model/tracer.ts';
import type { VconLookup } from '../../model/vcon.ts';
import type { ComplianceOptions } from './options.ts';

/** Milliseconds that the vCon store may take. */
const READ_TIMEOUT = 10_000;

/** What the record says about the content. Never rejects: a missing document must not keep the event off the record. */
export async function contentHash(
  vconUuid: string,
  event: EventContext,
  vcons: VconLookup,
  keys: KeyStore,
  { hash_algorithm, content_binding }: ComplianceOptions,
  log: ThrottledLog,
) {
  const { vconSha256 } = event;
  // The chain does not wait, so it may have gone on meanwhile.
  const said = { hash_algorithm, content_binding, content_observed: 'at_delivery' } as const;
  const then = { ...said, content_observed: 'at_event' } as const;
  if (content_binding === 'hash' && hash_algorithm === 'sha256' && vconSha256 !== undefined)
    return { ...then, content_hash: vconSha256 };
  const missing = (content_missing: 'not_found' | 'unavailable' | 'key_destroyed') => ({
    ...said,
    content_hash: null,
    content_missing,
  });
  try {
    const text = await withDeadline(vcons.read(vconUuid, event), READ_TIMEOUT, 'reading a vCon');
    if (text === undefined) return missing('not_found');
    const isOfThen = vconSha256 !== undefined && hashOf('sha256', text) === vconSha256;
    const now = isOfThen ? then : said;
    if (content_binding === 'hash') return { ...now, content_hash: hashOf(hash_algorithm, text) };
    const keyed = await keys.keyed(vconUuid, text, hash_algorithm);
    if (!keyed) return missing('key_destroyed');
    return { ...now, content_hash: keyed.hash, key_commitment: keyed.commitment };
  } catch (error) {
    log.warn('content', `the content of a vCon could not be hashed, as its record says: ${errorType(error)}`);
    return missing('unavailable');
  }
}
