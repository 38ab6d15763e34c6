import { z } from 'zod';

/** A kind of quantity, written as a number and a unit without a space: `30s`, `1.5GiB`. */
export interface Measure {
  /** The expected form, for a fault: `a duration such as 30s`. */
  readonly expected: string;
  /** The value of each unit, the largest first, the last one 1. */
  readonly units: ReadonlyMap<string, number>;
}

/** The least and the most that a quantity may be, in the smallest unit. */
export interface QuantityLimits {
  readonly min: number;
  readonly max: number;
}

/** How the output of a schema is written in a configuration, where that is not as it is. */
const written = z.registry<{ readonly asWritten: (value: number) => string | 0 }>();

/** A quantity in a configuration. Its output is a whole number of the smallest unit. */
export function quantity(measure: Measure, range: QuantityLimits) {
  return z
    .custom<string>()
    .transform((text, context) => accept(within(read(text, measure), measure, range), context))
    .register(written, { asWritten: (value) => formatQuantity(value, measure) });
}

/** A quantity for which 0, with a unit or without, means that there is no limit. */
export function quantityOrNone(measure: Measure, range: QuantityLimits) {
  const orNone = { ...measure, expected: `${measure.expected}, or 0 for no limit` };
  return z
    .custom<string | 0>()
    .transform((text, context) => {
      const reading = text === 0 ? { value: 0 } : read(text, orNone);
      const none = 'value' in reading && reading.value === 0;
      return accept(none ? reading : within(reading, measure, range), context);
    })
    .register(written, { asWritten: (value) => (value === 0 ? 0 : formatQuantity(value, measure)) });
}

/** How a quantity is written in a configuration; undefined for a schema that is not one. */
export function writingOf(schema: z.core.$ZodType): ((value: number) => string | 0) | undefined {
  return written.get(schema)?.asWritten;
}

/** Writes a whole number of the smallest unit in the largest unit that leaves it whole. */
function formatQuantity(value: number, { units }: Measure): string {
  for (const [unit, worth] of units) if (value % worth === 0) return `${value / worth}${unit}`;
  return String(value);
}

/** The quantity, or what is wrong with it, in our own words, since the value may be a secret. */
type Reading = { readonly value: number } | { readonly fault: string };

const WRITTEN = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/;

function read(written: unknown, { expected, units }: Measure): Reading {
  const [, amount, unit = ''] = typeof written === 'string' ? (WRITTEN.exec(written) ?? []) : [];
  if (typeof written === 'number' || (amount !== undefined && unit === ''))
    return { fault: `expected ${expected}: add a unit (${[...units.keys()].toReversed().join(', ')})` };
  const worth = units.get(unit);
  return worth === undefined ? { fault: `expected ${expected}` } : { value: Number(amount) * worth };
}

function within(reading: Reading, measure: Measure, { min, max }: QuantityLimits): Reading {
  if ('fault' in reading) return reading;
  if (reading.value < min) return { fault: `must be at least ${formatQuantity(min, measure)}` };
  if (reading.value > max) return { fault: `must be at most ${formatQuantity(max, measure)}` };
  return { value: Math.round(reading.value) };
}

function accept(reading: Reading, context: z.core.$RefinementCtx): number {
  if ('value' in reading) return reading.value;
  context.addIssue({ code: 'custom', message: reading.fault, params: { fault: reading.fault } });
  return z.NEVER;
}
