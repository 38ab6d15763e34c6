import { defineVconStore } from 'vcon-otel';
import { z } from 'zod';

/** A vCon store as somebody else may write it: every vCon has the same document. */
export default defineVconStore({
  options: z.strictObject({ text: z.string() }),
  create: ({ text }, { meterProvider }) => {
    meterProvider.getMeter('toy').createUpDownCounter('toy.open').add(1);
    return { read: async (uuid) => `${text} of ${uuid}`, write: async () => {}, close: async () => {} };
  },
  probe: async ({ text }) => [{ state: 'warning', text: `it only knows ${text}` }],
});
