import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { KeyStore } from '../../ledger/index.ts';
import { withDeadline } from '../../model/deadline.ts';
import { retryHints } from '../../model/delivery-error.ts';
import { ThrottledLog } from '../../model/throttled-log.ts';
import type { EventContext } from '../../model/tracer.ts';
import type { VconLookup } from '../../model/vcon.ts';
import { Refusals } from '../../outgoing/refusals.ts';
import { JlincApi } from './api.ts';
import { Entities } from './entities.ts';
import { route } from './entity-names.ts';
import { type EventData, eventData } from './event-data.ts';
import { JlincError } from './failure.ts';
import type { KeptReceipt } from './kept-receipt.ts';
import type { JlincOptions } from './options.ts';
import { type Produced, verifyReceipt } from './receipt.ts';
import type { ReceiptFile } from './receipt-file.ts';
import { ReceiptLedger } from './receipt-ledger.ts';
import { recordId } from './record-id.ts';
import { RefusedError } from './refused-error.ts';

/** Milliseconds that the vCon store may take. */
const READ_TIMEOUT = 10_000;

/** What a `run` call tells. */
export interface RunCall {
  readonly inVconUuid: string;
  readonly outVconUuid: string;
  readonly links: readonly string[];
  readonly linkIndex: number;
  readonly context: EventContext;
}

/** What records the steps of vCons with a JLINC data store. */
export class JlincTracer {
  readonly #options: JlincOptions;
  readonly #name: string;
  readonly #vcons: VconLookup;
  readonly #keys: KeyStore;
  readonly #receipts: ReceiptFile;
  readonly #ledger: ReceiptLedger;
  readonly #api: JlincApi;
  readonly #entities: Entities;
  readonly #refusals = new Refusals();
  readonly #log = new ThrottledLog('vcon-otel/jlinc');

  /** @param receipts where they are kept; whoever opened it closes it */
  constructor(options: JlincOptions, name: string, vcons: VconLookup, receipts: ReceiptFile) {
    this.#options = options;
    this.#name = name;
    this.#vcons = vcons;
    // The store does nothing before it is asked for a key, and without `hash: hmac` it never is.
    this.#keys = new KeyStore(options.ledger_directory ?? options.directory);
    this.#receipts = receipts;
    this.#ledger = new ReceiptLedger(options.ledger_directory, name, this.#log);
    this.#api = new JlincApi(options);
    this.#entities = new Entities(this.#api);
  }

  async run(call: RunCall): Promise<void> {
    const { eventId } = call.context;
    try {
      await this.#record(call);
      this.#refusals.forget(eventId);
    } catch (error) {
      if (error instanceof JlincError && error.permanent)
        this.#log.warn(error.code, `tracer ${this.#name}: ${error.message}`);
      throw this.#judged(eventId, error);
    }
  }

  /** What to throw for a failed attempt: the last refusal of a request is permanent. */
  #judged(eventId: string, error: unknown): unknown {
    if (error instanceof RefusedError)
      return this.#refusals.isLast(eventId, error.request)
        ? new RefusedError(error.request, error.code, true)
        : error;
    if (retryHints(error).permanent) this.#refusals.forget(eventId);
    return error;
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  async #record(call: RunCall): Promise<void> {
    const { inVconUuid, outVconUuid, context } = call;
    const data = await this.#dataOf(outVconUuid, context);
    const names = route(this.#options, call.links, call.linkIndex);
    const [sender, recipient] = await Promise.all([
      this.#entities.entity(names.sender),
      this.#entities.entity(names.recipient),
    ]);
    const record_id = recordId(context);
    const { outcome, inferred } = context;
    const meta = {
      in_vcon_uuid: inVconUuid,
      out_vcon_uuid: outVconUuid,
      record_id,
      // The entities say where a vCon would go next: after a halt it does not.
      ...(outcome !== undefined && { outcome }),
      ...(inferred.length > 0 && { inferred }),
    };
    const produced = { sender, recipient, agreementId: this.#options.agreement_id, data: data.value, meta };
    const answer = await this.#api.call('event/produce', this.#body(produced, data), 'produce');
    const { created, audit, signatures } = await verifyReceipt(answer, produced);
    const kept: KeptReceipt = {
      v: 1,
      record_id,
      tracer: this.#name,
      event_id: context.eventId,
      trace_id: context.spanContext.traceId,
      chain: context.chain,
      link_index: call.linkIndex,
      in_vcon_uuid: inVconUuid,
      out_vcon_uuid: outVconUuid,
      kept: new Date().toISOString(),
      sender,
      recipient,
      created: { ...created, data: this.#options.hash_event_data ? created.data : fingerprint(created.data) },
      audit,
      signatures,
    };
    const line = await this.#receipts.append(kept);
    await this.#ledger.record({ line, record_id, in_vcon_uuid: inVconUuid, sender, recipient });
  }

  async #dataOf(uuid: string, event: EventContext): Promise<EventData> {
    const text = await withDeadline(this.#vcons.read(uuid, event), READ_TIMEOUT, 'reading a vCon');
    if (text === undefined)
      throw new JlincError('VCON_MISSING', 'the vCon is not in the store', { permanent: true });
    return eventData(this.#options, uuid, text, this.#keys);
  }

  /** Put together by hand, so that a document goes as the text that it is. */
  #body({ sender, recipient, agreementId, meta }: Produced, { json }: EventData): string {
    const { archive_api_url: url, archive_api_key: key } = this.#options;
    const head = {
      type: 'data',
      senderShortName: sender.shortName,
      recipientShortName: recipient.shortName,
      agreementId,
    };
    return `${JSON.stringify(head).slice(0, -1)},"data":${json},"meta":${JSON.stringify(meta)},"archive":${JSON.stringify({ url, key })}}`;
  }
}

/** A receipt is kept without the document that it may be of. */
function fingerprint(document: unknown) {
  const hash = createHash('sha256')
    .update(canonicalize(document) ?? '')
    .digest('hex');
  return { hash, alg: 'sha256', canon: 'jcs' };
}
