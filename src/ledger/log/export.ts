import { VconOtelError } from '../../model/error.ts';
import { type LedgerRecord, parseLine } from './record.ts';
import { listSegments, recordLines } from './segments.ts';

/** How records can be handed to others. */
export type ExportFormat = 'jsonl' | 'ocsf' | 'cef';

/**
 * The records of a ledger as lines of a format, in order, in memory that does not grow with it. An unfinished record at
 * the end is left out.
 * @param version of this program
 * @throws VconOtelError `LEDGER_DAMAGED` where a record cannot be read
 */
export function* exportRecords(directory: string, format: ExportFormat, version: string): Generator<string> {
  for (const segment of listSegments(directory))
    for (const { text, offset, whole } of recordLines(directory, segment)) {
      if (!whole) return;
      const line = text.toString();
      const parsed = parseLine(line);
      if (!('record' in parsed))
        throw new VconOtelError(
          'LEDGER_DAMAGED',
          `a record ${parsed.fault}, in ${segment.file} at byte ${offset}`,
        );
      yield `${FORMATS[format](parsed.record, version, line)}\n`;
    }
}

type Format = (record: LedgerRecord, version: string, line: string) => string;

const FORMATS: Readonly<Record<ExportFormat, Format>> = {
  jsonl: (_record, _version, line) => line,
  ocsf: (record, version) => JSON.stringify(ocsf(record, version)),
  cef,
};

/** The edition of OCSF whose words are used. */
const OCSF_VERSION = '1.3.0';
/** Entity Management of the category Identity & Access Management; the activity is none of those it names. */
const [CATEGORY, CLASS, OTHER] = [3, 3004, 99];

/** An event of the Open Cybersecurity Schema Framework: Entity Management, of which the entity is the vCon. */
function ocsf(record: LedgerRecord, version: string) {
  const failed = isFailure(record);
  const status = statusOf(record);
  const { step, chain, outcome, sender } = detailsOf(record);
  return {
    category_uid: CATEGORY,
    category_name: 'Identity & Access Management',
    class_uid: CLASS,
    class_name: 'Entity Management',
    activity_id: OTHER,
    activity_name: record.event,
    type_uid: CLASS * 100 + OTHER,
    type_name: `Entity Management: ${record.event}`,
    time: Date.parse(record.timestamp),
    severity_id: failed ? 3 : 1,
    severity: failed ? 'Medium' : 'Informational',
    status_id: STATUS_ID[status],
    status,
    ...(outcome === undefined ? {} : { status_detail: outcome }),
    actor: 'system_user' in record ? { user: { name: record.actor } } : { app_name: record.actor },
    entity: {
      name: 'vcon_uuid' in record ? 'vCon' : 'ledger',
      type: 'vcon_uuid' in record ? 'vCon' : 'ledger',
      ...('vcon_uuid' in record ? { uid: record.vcon_uuid } : {}),
    },
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'vcon-otel', vendor_name: 'vcon-otel', version },
      uid: record.record_id,
      sequence: record.seq,
      logged_time: Date.parse(record.recorded_at),
      ...('trace_id' in record ? { correlation_uid: record.trace_id } : {}),
    },
    unmapped: {
      prev_hash: record.prev_hash,
      ...(chain === undefined ? {} : { chain }),
      ...(step === undefined ? {} : { step }),
      ...(sender === undefined ? {} : { sender }),
      ...('content_hash' in record ? { content_hash: record.content_hash } : {}),
    },
  };
}

/** ArcSight Common Event Format, version 0. */
function cef(record: LedgerRecord, version: string): string {
  const { step, chain, outcome, sender } = detailsOf(record);
  const extension: Readonly<Record<string, string | number | undefined>> = {
    rt: Date.parse(record.timestamp),
    externalId: record.record_id,
    cn1Label: 'seq',
    cn1: record.seq,
    ...('vcon_uuid' in record ? { cs1Label: 'vconUuid', cs1: record.vcon_uuid } : {}),
    ...(chain === undefined ? {} : { cs2Label: 'chain', cs2: chain }),
    ...(step === undefined ? {} : { cs3Label: 'step', cs3: step }),
    ...('trace_id' in record ? { cs4Label: 'traceId', cs4: record.trace_id } : {}),
    cs5Label: 'prevHash',
    cs5: record.prev_hash,
    ...(sender === undefined ? {} : { cs6Label: 'sender', cs6: sender }),
    ...('content_hash' in record && record.content_hash ? { fileHash: record.content_hash } : {}),
    outcome,
    suser: record.actor,
  };
  const head = ['CEF:0', 'vcon-otel', 'vcon-otel', version, record.event, record.event.replaceAll('_', ' ')];
  const pairs = Object.entries(extension).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${escapeValue(String(value))}`],
  );
  return `${head.map(escapeHead).join('|')}|${isFailure(record) ? 6 : 3}|${pairs.join(' ')}`;
}

type Details = Partial<Record<'step' | 'chain' | 'outcome' | 'sender', string | undefined>>;

function detailsOf(record: LedgerRecord): Details {
  if (!('run_id' in record)) return {};
  const { step, chain, outcome, sender } = record;
  return { step, chain, outcome, sender };
}

const STATUS_ID = { Unknown: 0, Success: 1, Failure: 2 } as const;

/** How what happened ended, in OCSF's words. */
function statusOf(record: LedgerRecord): keyof typeof STATUS_ID {
  if (isFailure(record)) return 'Failure';
  return detailsOf(record).outcome === 'unknown' ? 'Unknown' : 'Success';
}

function isFailure({ event }: LedgerRecord): boolean {
  return event.endsWith('_error');
}

function escapeHead(text: string): string {
  return text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]+/g, ' ');
}

function escapeValue(text: string): string {
  return text.replace(/[\\=]/g, '\\$&').replace(/\r?\n|\r/g, '\\n');
}
