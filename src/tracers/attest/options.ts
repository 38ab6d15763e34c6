import { z } from 'zod';

/** The options of `tracers.attest`. */
export const options = z.strictObject({
  directory: z.string().min(1).default('./data/attest'),
  key_file: z.string().min(1).optional(),
  ledger_directory: z.string().min(1).default('./data/ledger'),
});

/** {@link options}, checked. */
export type AttestOptions = z.output<typeof options>;
