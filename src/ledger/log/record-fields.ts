import { z } from 'zod';

//  What several kinds of records are made of.

/** As many digits of a hexadecimal number, in lower case. */
export const hexDigits = (digits: number) => new RegExp(`^[0-9a-f]{${digits}}$`);
export const hex = (digits: number) => z.string().regex(hexDigits(digits));
export const count = z.int().min(0);
/** UTC with milliseconds, as `Date.toISOString` writes it. */
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
export const time = z.string().regex(TIME);
/** UTF-16 code units of a name. */
export const MAX_NAME = 1_024;
export const boundedName = z.string().min(1).max(MAX_NAME);
