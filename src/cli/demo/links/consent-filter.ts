import type { Link } from '../../../model/chain.ts';
import type { Vcon } from '../../../model/vcon.ts';
import { openDocument } from '../document.ts';
import { bodyOf, isRecord, recordsOf } from '../json.ts';
import { tagsOf } from '../tags.ts';

/**
 * Halts the chain for vCons that nobody should keep: spam and test calls, and conversations in which a party has
 * refused or withdrawn consent (an attachment `consent`, as in draft-howe-vcon-consent).
 */
export const consentFilter: Link = {
  name: 'consent_filter',
  async run(vconUuid, step) {
    const { vcon } = await openDocument(vconUuid, step);
    const tags = tagsOf(vcon);
    return tags.has('kind:spam') || tags.has('kind:test') || isRefused(vcon) ? false : vconUuid;
  },
};

const REFUSED = new Set<unknown>(['denied', 'refused', 'revoked', 'withdrawn']);

function isRefused(vcon: Vcon): boolean {
  return recordsOf(vcon.attachments)
    .filter(([, attachment]) => attachment.type === 'consent')
    .map(([, attachment]) => bodyOf(attachment))
    .flatMap((body) => (isRecord(body) ? recordsOf(body.consents) : []))
    .some(([, consent]) => REFUSED.has(consent.status));
}
