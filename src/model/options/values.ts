import { z } from 'zod';

/** A string that is not empty. */
export const text = z.string().min(1);

/**
 * A string of a certain form.
 * @param expected the form in words, for a fault: `a name without spaces`
 */
export function matching(form: RegExp, expected: string) {
  return z.string().refine((written) => form.test(written), { params: { expected } });
}

/** Text that an HTTP header can carry. */
export function headerText() {
  return matching(/^[\x21-\x7e]*$/, 'visible ASCII characters without spaces');
}

/** A port number; 0 takes any free port. */
export const port = z.int().min(0).max(65_535);

/** The URL of a server that speaks HTTP. */
export const httpUrl = z.url({
  protocol: /^https?$/,
  error: ({ code }) => (code === 'invalid_format' ? 'expected an http:// or https:// URL' : undefined),
});
