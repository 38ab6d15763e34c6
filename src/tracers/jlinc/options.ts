import { z } from 'zod';
import { headerText } from '../../model/options/values.ts';
import { isHost } from '../../outgoing/host.ts';

/** An `http` or `https` address without credentials, query or fragment, since those would end up in logs. */
const baseUrl = z.string().refine(
  (text) => {
    const url = URL.parse(text);
    if (!url || !['http:', 'https:'].includes(url.protocol)) return false;
    return url.username + url.password + url.search + url.hash === '';
  },
  { params: { expected: 'an http or https url without credentials and query' } },
);

/** Options of `tracers.jlinc`: the documented ones with the documented defaults, then ours. */
export const options = z
  .strictObject({
    data_store_api_url: baseUrl.default('http://jlinc-server:9090'),
    data_store_api_key: headerText().default(''),
    archive_api_url: baseUrl.default('http://jlinc-server:9090'),
    archive_api_key: headerText().default(''),
    system_prefix: z.string().min(1).max(64).default('VCONTest'),
    agreement_id: z.string().min(1).max(128).default('00000000-0000-0000-0000-000000000000'),
    hash_event_data: z.boolean().default(true),
    hash: z.enum(['jcs', 'hmac', 'python-compat']).default('jcs'),
    ledger_directory: z.string().min(1).optional(),
    entity_mapping: z.enum(['documented', 'upstream']).default('documented'),
    allow_private_hosts: z
      .array(z.string().refine(isHost, { params: { expected: 'a host without a port' } }))
      .default([]),
    directory: z.string().min(1).default('./data/jlinc'),
  })
  .refine(
    (given) => !given.hash_event_data || given.hash !== 'hmac' || given.ledger_directory !== undefined,
    {
      path: ['ledger_directory'],
      params: { required: "with hash: hmac, the directory of a compliance tracer's ledger" },
    },
  );

export type JlincOptions = z.output<typeof options>;
