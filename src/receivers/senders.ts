import { z } from 'zod';
import { section } from '../model/options/section.ts';
import { matching, text } from '../model/options/values.ts';

const senderName = matching(/^[\w.-]{1,64}$/, 'a name of up to 64 letters, digits, dots and dashes');

/** The options by which a receiver that listens knows who sends, beside those of everything that listens. */
export const credentials = {
  tokens: section(z.record(senderName, text)).optional(),
  tls: section(z.strictObject({ cert: text, key: text, client_ca: text.optional() })).optional(),
};
