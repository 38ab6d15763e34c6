import { VconOtelError } from '../../model/error.ts';
import { cleanText } from '../timeline/index.ts';

/**
 * The tracers that are meant: the one that was named, else all.
 * @throws VconOtelError `OPTIONS_INVALID` for one that the journal does not know
 */
export function chosenTracers(known: readonly string[], name: string | undefined): readonly string[] {
  if (name === undefined) return known;
  if (known.includes(name)) return [name];
  const names = known.map(cleanText).join(', ') || 'none';
  throw new VconOtelError('OPTIONS_INVALID', `the journal knows no tracer ${name}; it knows ${names}`);
}
