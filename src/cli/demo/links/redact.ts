import { randomUUID } from 'node:crypto';
import type { Link } from '../../../model/chain.ts';
import type { Vcon } from '../../../model/vcon.ts';
import { openDocument } from '../document.ts';
import { isRecord, recordsOf } from '../json.ts';
import { withoutParty } from '../redaction.ts';
import { tagsOf } from '../tags.ts';

/**
 * Goes on with a redacted copy of a vCon tagged `privacy:redact`: a separate vCon, with a new uuid, that says
 * which one it was made from (draft-ietf-vcon-vcon-core, `redacted`). It hides the customer or, if
 * no party has that role, the first party.
 */
export const redact: Link = {
  name: 'redact',
  async run(vconUuid, step) {
    const { vcon } = await openDocument(vconUuid, step);
    const party = customerOf(vcon);
    if (party === undefined || !tagsOf(vcon).has('privacy:redact') || isRedacted(vcon)) return vconUuid;
    const uuid = randomUUID();
    const copy = {
      ...withoutParty(vcon, party),
      uuid,
      created_at: new Date().toISOString(),
      redacted: { uuid: vcon.uuid ?? vconUuid, type: 'party' },
    };
    step.signal.throwIfAborted();
    await step.vcons.write(uuid, JSON.stringify(copy));
    return uuid;
  },
};

const CUSTOMER = new Set<unknown>(['customer', 'caller', 'client', 'guest', 'patient']);

function customerOf(vcon: Vcon): number | undefined {
  const parties = recordsOf(vcon.parties);
  const customer = parties.find(
    ([, { role, meta }]) => CUSTOMER.has(role) || (isRecord(meta) && CUSTOMER.has(meta.role)),
  );
  return (customer ?? parties[0])?.[0];
}

function isRedacted({ redacted }: Vcon): boolean {
  return isRecord(redacted) && typeof redacted.uuid === 'string';
}
