import { z } from 'zod';
import { httpUrl } from '../model/options/values.ts';

//  Apart from what looks at terminals and trace ids: the schema loads no library of these.

/** The URL of a page that shows a trace, with `{traceId}` in it. */
export const traceTemplate: z.ZodString = z
  .string()
  .refine((template) => templateFault(template) === undefined, {
    error: ({ input }) => templateFault(String(input)),
  });

/** What is wrong with a template, in words; undefined if nothing is. */
export function templateFault(template: string): string | undefined {
  if (!template.includes(PLACE)) return `expected ${PLACE} where the id of the trace belongs`;
  const { error } = httpUrl.safeParse(template.replaceAll(PLACE, EXAMPLE_ID));
  if (error) return error.issues[0]?.message;
  const { username, password } = filledTemplate(template, EXAMPLE_ID);
  return username || password ? 'expected a URL without user and password, which would be shown' : undefined;
}

/** Where a template leads for a trace. */
export function filledTemplate(template: string, traceId: string): URL {
  return new URL(template.replaceAll(PLACE, traceId));
}

const PLACE = '{traceId}';
const EXAMPLE_ID = '0af7651916cd43dd8448eb211c80319c';
