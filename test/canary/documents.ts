import { MARK, MARKED_TEL } from './marks.ts';

/** A vCon with a mark in every field but its uuid. */
export function markedVcon(uuid: string): string {
  const time = '2026-03-01T12:00:00Z';
  const file = {
    filename: `${MARK} filename.wav`,
    url: `https://${MARK}.example.com/${MARK}?${MARK}=${MARK}`,
    mediatype: `audio/x-wav; name="${MARK}"`,
    mimetype: `audio/x-wav; name="${MARK}"`,
    content_hash: `sha512-${MARK}`,
    encoding: 'base64url',
    body: Buffer.from(`${MARK} body`).toString('base64url'),
  };
  return JSON.stringify({
    vcon: '0.0.2',
    uuid,
    created_at: time,
    subject: `${MARK} subject`,
    [`${MARK}_extension`]: MARK,
    parties: [
      {
        tel: MARKED_TEL,
        mailto: `${MARK}@example.com`,
        name: `${MARK} name`,
        stir: MARK,
        validation: MARK,
        gmlpos: MARK,
        civicaddress: { country: MARK },
        uuid: MARK,
        role: MARK,
      },
      { tel: MARKED_TEL, name: `${MARK} other` },
    ],
    dialog: [
      { type: 'text', start: time, parties: [0, 1], originator: 0, body: `${MARK} text`, encoding: 'none' },
      { type: 'recording', start: time, duration: 5, parties: [0, 1], ...file },
      { type: 'transfer', start: time, parties: [0], target_dialog: MARK, disposition: MARK },
    ],
    analysis: [
      { type: `${MARK} type`, vendor: MARK, product: MARK, schema: MARK, dialog: [0], ...file },
      { type: 'transcript', vendor: MARK, dialog: 1, encoding: 'json', body: JSON.stringify({ text: MARK }) },
    ],
    attachments: [
      { type: 'tags', party: 0, start: time, encoding: 'json', body: JSON.stringify([`${MARK}:${MARK}`]) },
      { type: MARK, party: 0, start: time, ...file },
    ],
    group: [{ uuid: MARK, body: MARK }],
    meta: { [MARK]: MARK },
  });
}

/** Texts that are no vCon, each with a mark. */
export const MARKED_JUNK: readonly string[] = [
  MARK,
  `{"${MARK}":"${MARK}`,
  `["${MARK}"]`,
  `{"uuid":{"${MARK}":1},"parties":"${MARK}"}`,
  `{"__proto__":{"${MARK}":1},"dialog":{"${MARK}":1}}`,
];
