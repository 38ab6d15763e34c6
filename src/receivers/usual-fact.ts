import { isVconUuid } from '../model/vcon.ts';
import { areNames, isName, MAX_LIST } from './names.ts';

//  Almost every fact is of one of a few kinds, and has nothing in it that reading would change. Whether it is such a one can be
//  told in a fraction of the time that its schemas take. It must never be what the schemas do not take as it is: a test holds
//  them together.

type Check = (value: unknown) => boolean;

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const matches =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const between =
  (least: number, most: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
const oneOf =
  (...texts: readonly string[]): Check =>
  (value) =>
    texts.includes(value as string);

const name: Check = (value) => typeof value === 'string' && isName(value);
const nanoseconds = matches(/^\d{1,20}$/);
const spanId = matches(/^(?!0+$)[0-9a-f]{16}$/);
const traceId = matches(/^(?!0+$)[0-9a-f]{32}$/);
const uuid = optional(isVconUuid);
const index = optional(between(0, MAX_LIST));
const error = optional(matches(/^[A-Za-z_$][\w$.]{0,127}$/));
const flag: Check = (value) => typeof value === 'boolean';

const ORIGIN = fields({
  v: (value) => value === 2,
  host: name,
  pid: between(0, Number.MAX_SAFE_INTEGER),
  boot: nanoseconds,
  seq: between(1, Number.MAX_SAFE_INTEGER),
  ts: nanoseconds,
  thread: Number.isSafeInteger,
  run: optional(between(1, Number.MAX_SAFE_INTEGER)),
});

const span = {
  stage: oneOf('chain', 'link', 'storage'),
  name,
  chain: name,
  vcon: uuid,
  span: spanId,
  trace: traceId,
  parent: optional(spanId),
  index,
  start: nanoseconds,
};

const KINDS = new Map<unknown, Fields>([
  ['span_start', fields(span)],
  ['span_end', fields({ ...span, end: nanoseconds, status: oneOf('UNSET', 'OK', 'ERROR'), error })],
  [
    'tracer',
    fields({
      tracer: name,
      in: uuid,
      out: uuid,
      links: areNames,
      index: between(-1, MAX_LIST),
      chain: optional(name),
      span: optional(spanId),
      trace: optional(traceId),
      parent: optional(spanId),
      sha256: optional(matches(/^(?!0+$)[0-9a-f]{64}$/)),
    }),
  ],
  ['after_link', fields({ link: name, index, error, halted: optional(flag), next: uuid })],
  ['run_end', fields({ vcon: uuid, error, index, raised: error })],
  [
    'run_start',
    fields({
      vcon: uuid,
      chain: name,
      links: areNames,
      storages: areNames,
      egress_lists: areNames,
      // Who queued it is a thing of its own.
      producer: (value) => value === undefined,
      proceed: flag,
      error,
    }),
  ],
]);

/** Whether a fact, as it came, is certainly what its schemas would make of it; another one may be so all the same. */
export function isUsualFact(fact: unknown): boolean {
  const told = Object(fact) as Readonly<Record<string, unknown>>;
  const kind = KINDS.get(told.kind);
  return kind !== undefined && hold(ORIGIN, told) && hold(kind, told);
}

/** Which fields, and what each of them is to be: side by side, so that looking at them makes no object. */
interface Fields {
  readonly keys: readonly string[];
  readonly checks: readonly Check[];
}

function fields(checks: Readonly<Record<string, Check>>): Fields {
  return { keys: Object.keys(checks), checks: Object.values(checks) };
}

function hold({ keys, checks }: Fields, told: Readonly<Record<string, unknown>>): boolean {
  for (let at = 0; at < keys.length; at += 1)
    if (!(checks[at] as Check)(told[keys[at] as string])) return false;
  return true;
}
