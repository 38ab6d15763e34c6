import type { Link } from '../../../model/chain.ts';
import { openDocument, saveDocument } from '../document.ts';
import { tagsOf, withTags } from '../tags.ts';
import { turnsOf } from '../turns.ts';

/** Adds the tags whose words occur in what was said. */
export const tag: Link = {
  name: 'tag',
  async run(vconUuid, step) {
    const document = await openDocument(vconUuid, step);
    const texts = turnsOf(document.vcon).map(({ text }) => text);
    const present = tagsOf(document.vcon);
    const found = RULES.filter(
      ([name, words]) => !present.has(name) && texts.some((text) => words.test(text)),
    );
    if (found.length === 0) return vconUuid;
    const vcon = withTags(
      document.vcon,
      found.map(([name]) => name),
    );
    return saveDocument(vconUuid, { ...document, vcon }, step);
  },
};

const RULES: readonly (readonly [tag: string, words: RegExp])[] = [
  [
    'topic:billing',
    wordsThatBegin(
      'invoice|refund|rechnung|factur|fattur|faktur|reembolso|remboursement',
      '請求|返金|فاتورة',
    ),
  ],
  [
    'topic:delivery',
    wordsThatBegin(
      'parcel|deliver|courier|paket|lieferung|livraison|colis|paczk|przesyłk|entrega',
      '配達|شحن|توصيل',
    ),
  ],
  ['topic:travel', wordsThatBegin('hotel|flight|reise|viaje|voyage', '予約|宿泊|فندق')],
  ['topic:technical', wordsThatBegin('outage|router|server|störung|panne|avería', '障害|عطل')],
  ['topic:property', wordsThatBegin('tenant|lease|huur|miete|loyer|alquiler', '賃貸|إيجار')],
  ['priority:urgent', wordsThatBegin('urgent|dringend|urgente|pilne', '至急|عاجل')],
  [
    'privacy:redact',
    wordsThatBegin(
      'credit card|card number|iban|kreditkarte|befund|rezept|diagnos|prescription|tarjeta de crédito|carte bancaire',
      'クレジットカード|بطاقة ائتمان',
    ),
  ],
  [
    'kind:test',
    wordsThatBegin('this is a test call|dies ist ein testanruf|ceci est un appel de test', 'テスト通話'),
  ],
  [
    'kind:spam',
    wordsThatBegin('claim your prize|você ganhou|ha ganado un premio|sie haben gewonnen', '当選'),
  ],
];

/** In scripts with spaces, a match must begin at the start of a word, so `bill` is not in `possible`; in others, anywhere. */
function wordsThatBegin(beginnings: string, anywhere: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${beginnings})|${anywhere}`, 'iu');
}
