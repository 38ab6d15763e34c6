import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { KeyStore } from '../ledger/key-store.ts';
import { withDeadline } from '../model/deadline.ts';
import { retryHints } from '../model/delivery-error.ts';
import { RarelyLogged } from '../model/rarely-logged.ts';
import { defineTracer, type EventContext } from '../model/tracer.ts';
import type { VconStore } from '../model/vcon.ts';
import { Refusals } from '../outgoing/refusals.ts';
import { JlincApi } from './jlinc/api.ts';
import { Entities } from './jlinc/entities.ts';
import { route } from './jlinc/entity-names.ts';
import { type EventData, eventData } from './jlinc/event-data.ts';
import { JlincError } from './jlinc/failure.ts';
import type { KeptReceipt } from './jlinc/kept-receipt.ts';
import { type JlincOptions, options } from './jlinc/options.ts';
import { probe } from './jlinc/probe.ts';
import { type Produced, verifyReceipt } from './jlinc/receipt.ts';
import { ReceiptFile } from './jlinc/receipt-file.ts';
import { recordId } from './jlinc/record-id.ts';
import { RefusedError } from './jlinc/refused-error.ts';

/**
 * The conserver's documented JLINC tracer: every step of a vCon as an event between two entities of a JLINC data store,
 * which signs a receipt. A call is answered when the receipt has been verified and is on the disk.
 * @throws VconOtelError `FILE_UNUSABLE` from `create` for `directory`
 */
export default defineTracer({
  options,
  completion: false,
  audit: true,
  create(checked, { name, vcons }) {
    const tracer = new JlincTracer(checked, name, vcons);
    return {
      run: (inVconUuid, outVconUuid, _name, links, linkIndex, _opts, context) =>
        tracer.run({ inVconUuid, outVconUuid, links, linkIndex, context }),
      shutdown: () => tracer.shutdown(),
    };
  },
  probe: (checked, { timeout }) => probe(checked, timeout),
});

/** Milliseconds that the vCon store may take. */
const READ_TIMEOUT = 10_000;

/** What a `run` call tells. */
interface Step {
  readonly inVconUuid: string;
  readonly outVconUuid: string;
  readonly links: readonly string[];
  readonly linkIndex: number;
  readonly context: EventContext;
}

class JlincTracer {
  readonly #options: JlincOptions;
  readonly #name: string;
  readonly #vcons: VconStore;
  readonly #keys: KeyStore;
  readonly #receipts: ReceiptFile;
  readonly #api: JlincApi;
  readonly #entities: Entities;
  readonly #refusals = new Refusals();
  readonly #log = new RarelyLogged('vcon-otel/jlinc');

  constructor(options: JlincOptions, name: string, vcons: VconStore) {
    this.#options = options;
    this.#name = name;
    this.#vcons = vcons;
    // The store does nothing before it is asked for a key, and without `hash: hmac` it never is.
    this.#keys = new KeyStore(options.ledger_directory ?? options.directory);
    this.#receipts = new ReceiptFile(options.directory, `tracers.${name}.options.directory`);
    this.#api = new JlincApi(options);
    this.#entities = new Entities(this.#api);
  }

  async run(step: Step): Promise<void> {
    const { eventId } = step.context;
    try {
      await this.#record(step);
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

  async shutdown(): Promise<void> {
    await this.#api.close();
    await this.#receipts.close();
  }

  async #record(step: Step): Promise<void> {
    const { inVconUuid, outVconUuid, context } = step;
    const data = await this.#dataOf(outVconUuid);
    const names = route(this.#options, step.links, step.linkIndex);
    const [sender, recipient] = await Promise.all([
      this.#entities.entity(names.sender),
      this.#entities.entity(names.recipient),
    ]);
    const record_id = recordId(context);
    const meta = { in_vcon_uuid: inVconUuid, out_vcon_uuid: outVconUuid, record_id };
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
      link_index: step.linkIndex,
      in_vcon_uuid: inVconUuid,
      out_vcon_uuid: outVconUuid,
      kept: new Date().toISOString(),
      sender,
      recipient,
      created: { ...created, data: this.#options.hash_event_data ? created.data : fingerprint(created.data) },
      audit,
      signatures,
    };
    await this.#receipts.append(kept);
  }

  async #dataOf(uuid: string): Promise<EventData> {
    const text = await withDeadline(this.#vcons.read(uuid), READ_TIMEOUT, 'reading a vCon');
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
