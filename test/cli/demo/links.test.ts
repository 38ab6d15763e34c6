import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { consentFilter } from '../../../src/cli/demo/links/consent-filter.ts';
import { redact } from '../../../src/cli/demo/links/redact.ts';
import { summarize } from '../../../src/cli/demo/links/summarize.ts';
import { tag } from '../../../src/cli/demo/links/tag.ts';
import { transcriptStatistics } from '../../../src/cli/demo/links/transcript-statistics.ts';
import { tagsOf } from '../../../src/cli/demo/tags.ts';
import { parseVcon } from '../../../src/model/vcon.ts';
import { runLink } from './run-link.ts';
import { shipped, shippedText } from './shipped.ts';

const LINKS = [transcriptStatistics, tag, consentFilter, redact, summarize];

/** The body of the analysis of a type that a link left. */
function analysisIn(text: string, type: string): unknown {
  const Analysis = z.array(z.looseObject({ type: z.string() }));
  const found = Analysis.parse(parseVcon(text).analysis).filter((entry) => entry.type === type);
  expect(found).toHaveLength(1);
  return found[0]?.body;
}

function chat(...bodies: unknown[]): string {
  return JSON.stringify({
    uuid: 'chat',
    dialog: bodies.map((body) => ({ type: 'text', parties: [0], body })),
  });
}

describe('transcript_statistics', () => {
  test('counts turns, words and the share of each party', async () => {
    const { answer, text } = await runLink(
      transcriptStatistics,
      JSON.stringify({
        parties: [{ name: 'A' }, { name: 'B' }],
        dialog: [
          { type: 'text', parties: [0, 1], originator: 0, body: 'one two three' },
          { type: 'text', parties: [1, 0], body: "it's 日本" },
        ],
      }),
    );
    expect(answer).toBe('entered');
    expect(analysisIn(text, 'statistics')).toEqual({
      turns: 2,
      words: 6,
      longest_turn: 3,
      parties: [
        { party: 0, turns: 1, words: 3, share: 0.5 },
        { party: 1, turns: 1, words: 3, share: 0.5 },
      ],
    });
  });

  test.each([
    ['a list of turns with roles', [{ speaker: 'Agent', message: 'good day' }]],
    ['the same as a JSON string', JSON.stringify([{ party: 1, text: 'good day' }])],
    ['segments', { segments: [{ speaker: 1, text: 'good day' }] }],
    [
      'paragraphs',
      { paragraphs: { paragraphs: [{ speaker: 1, sentences: [{ text: 'good' }, { text: 'day' }] }] } },
    ],
  ])('reads a transcript that is %s', async (_form, body) => {
    const vcon = {
      parties: [{}, { meta: { role: 'agent' } }],
      dialog: [{ type: 'recording' }],
      analysis: [{ type: 'transcript', dialog: 0, encoding: 'json', body }],
    };
    const { text } = await runLink(transcriptStatistics, JSON.stringify(vcon));
    expect(analysisIn(text, 'statistics')).toMatchObject({ words: 2, parties: [{ party: 1, turns: 1 }] });
  });

  test('a second passage replaces the statistics of the first', async () => {
    const first = await runLink(transcriptStatistics, shippedText('order-chat-ar'));
    const second = await runLink(transcriptStatistics, first.text);
    expect(analysisIn(second.text, 'statistics')).toEqual(analysisIn(first.text, 'statistics'));
  });

  test('fails on an encrypted vCon', async () => {
    await expect(runLink(transcriptStatistics, shippedText('sealed-advice-chat'))).rejects.toMatchObject({
      code: 'VCON_INVALID',
    });
  });

  test('leaves a signed vCon as it is and goes on with one that amends it', async () => {
    const signed = shippedText('signed-lease-call-nl');
    const { answer, text, entered } = await runLink(transcriptStatistics, signed);
    expect(entered).toBe(signed);
    expect(answer).not.toBe('entered');
    const payload = parseVcon(Buffer.from(JSON.parse(signed).payload, 'base64url').toString());
    expect(parseVcon(text)).toMatchObject({ uuid: answer, amended: { uuid: payload.uuid } });
  });
});

describe('tag', () => {
  test.each([
    ['claim-emails-fr', ['topic:billing']],
    ['council-meeting-en', []],
    ['delivery-sms-pl', ['topic:delivery']],
    ['hotel-chat-ja', ['topic:travel', 'privacy:redact']],
    ['order-chat-ar', ['channel:webchat', 'shop:books', 'topic:billing', 'topic:delivery']],
    ['prize-sms-pt', ['kind:spam']],
    ['test-call-en', ['kind:test']],
  ])('%s has the tags %j', async (name, tags) => {
    const { text } = await runLink(tag, shippedText(name));
    expect([...tagsOf(parseVcon(text))]).toEqual(tags);
  });

  test('adds to tags that are kept as JSON text', async () => {
    const attachments = [{ type: 'tags', body: '["category:1"]' }];
    const dialog = [{ type: 'text', body: 'my parcel' }];
    const { text } = await runLink(tag, JSON.stringify({ attachments, dialog }));
    expect(parseVcon(text).attachments).toMatchObject([
      { type: 'tags', encoding: 'json', body: ['category:1', 'topic:delivery'] },
    ]);
  });

  test('a word inside another word does not count', async () => {
    const { text } = await runLink(tag, chat('the release was misdelivered'));
    expect(tagsOf(parseVcon(text)).size).toBe(0);
  });
});

describe('consent_filter', () => {
  test.each(['denied', 'revoked'])('halts where a party has %s its consent', async (status) => {
    const attachments = [{ type: 'consent', body: { consents: [{ status: 'granted' }, { status }] } }];
    expect((await runLink(consentFilter, JSON.stringify({ attachments }))).answer).toBe(false);
  });

  test('lets pass what was consented to, and what says nothing of consent', async () => {
    expect((await runLink(consentFilter, shippedText('oral-history-audio-es'))).answer).toBe('entered');
    expect((await runLink(consentFilter, shippedText('order-chat-ar'))).answer).toBe('entered');
  });
});

describe('redact', () => {
  test.each([
    ['billing-call-en', ['Daniel', 'Okafor', '0142', '010 0142', 'recordings.example.com']],
    ['clinic-callback-de', ['Erika', 'Wendlandt', '0177', 'gmlpos']],
    ['hotel-chat-ja', ['佐藤', '美咲', '0131', '4000 0000']],
  ])('nothing in the copy of %s tells who the customer is', async (name, traces) => {
    const tagged = await runLink(tag, shippedText(name));
    const { answer, text, entered } = await runLink(redact, tagged.text);
    const original = parseVcon(entered);
    expect(answer).not.toBe('entered');
    expect(parseVcon(text)).toMatchObject({ uuid: answer, redacted: { uuid: original.uuid, type: 'party' } });
    expect(parseVcon(text).dialog).toHaveLength(original.dialog?.length ?? 0);
    for (const trace of traces) {
      expect(entered).toContain(trace);
      expect(text).not.toContain(trace);
    }
  });

  test('a vCon without the tag passes unchanged', async () => {
    const { answer, text } = await runLink(redact, shippedText('outage-emails-en'));
    expect(answer).toBe('entered');
    expect(text).toBe(shippedText('outage-emails-en'));
  });

  test('a redacted vCon is not redacted again', async () => {
    const tagged = await runLink(tag, shippedText('hotel-chat-ja'));
    const once = await runLink(redact, tagged.text);
    expect((await runLink(redact, once.text)).answer).toBe('entered');
  });

  test('names are taken by the letter, whatever signs they hold', async () => {
    const name = 'Ann-Mae (O’Neil) [x]/$& 1.5+';
    const vcon = { parties: [{ name }], dialog: [{ type: 'text', body: `I am ${name}, annie, Ann-Mae` }] };
    const attachments = [{ type: 'tags', body: ['privacy:redact'] }];
    const { text } = await runLink(redact, JSON.stringify({ ...vcon, attachments }));
    expect(parseVcon(text).dialog).toMatchObject([{ body: 'I am [redacted], annie, [redacted]' }]);
  });
});

describe('summarize', () => {
  test('keeps the first and the two longest turns in the order they were said', async () => {
    const { text } = await runLink(
      summarize,
      chat('Hello', 'a longer turn', 'short', 'the longest turn of all'),
    );
    expect(analysisIn(text, 'summary')).toBe('Hello\na longer turn\nthe longest turn of all');
  });

  test('quotes long turns in part, never half a character', async () => {
    const { text } = await runLink(summarize, chat(`a${'😀'.repeat(500)}`));
    const summary = String(analysisIn(text, 'summary'));
    expect(summary.isWellFormed()).toBe(true);
    expect(summary.length).toBeLessThan(250);
  });

  test('has nothing to add where nothing was said', async () => {
    const { answer, text } = await runLink(summarize, '{"dialog":[]}');
    expect(answer).toBe('entered');
    expect(text).toBe('{"dialog":[]}');
  });
});

describe.each(LINKS.map((link) => [link.name, link] as const))('%s', (_name, link) => {
  test('reads all shipped vCons but the encrypted one', async () => {
    for (const [name, text] of shipped)
      if (name !== 'sealed-advice-chat') await expect(runLink(link, text), name).resolves.toBeDefined();
  });

  test.each([
    ['an empty object', '{}'],
    ['null for every list', '{"parties":null,"dialog":null,"analysis":null,"attachments":null}'],
    ['anything as parties', '{"parties":[1,null,[],"x",{"name":7,"role":{},"tel":null,"meta":[]}]}'],
    [
      'anything as dialogs',
      '{"dialog":[0,null,[],{},{"type":"text","body":7},{"type":"text","body":"x","parties":{},"originator":-1,"mediatype":{"toString":null}},{"type":"text","body":"x","encoding":{}}]}',
    ],
    [
      'anything as transcripts',
      '{"analysis":[7,{"type":"transcript"},{"type":"transcript","dialog":[],"body":{"segments":[null,{"text":7},{"text":"x","speaker":{}}]}},{"type":"transcript","dialog":3,"body":{"paragraphs":{"paragraphs":[{"sentences":[{"text":{"toString":null}}]}]}}},{"type":7}]}',
    ],
    [
      'anything as attachments',
      '{"attachments":[null,{"type":"tags","body":"x"},{"type":"tags","body":[1,{},null]},{"type":"consent","encoding":"json","body":"{"},{"type":"consent","body":{"consents":{}}}]}',
    ],
    ['a uuid of another type inside a signature', '{"payload":"e30","signatures":7}'],
  ])('bears %s', async (_what, text) => {
    expect((await runLink(link, text)).answer).toBeTypeOf('string');
  });

  test('bears __proto__ wherever it stands', async () => {
    const tagged = '"attachments":[{"__proto__":{"type":"x"},"type":"tags","body":["privacy:redact"]}]';
    const parties = '"parties":[{"__proto__":{"polluted":1},"name":"Ann"}]';
    const body = '{"__proto__":{"polluted":1},"segments":[{"__proto__":{"polluted":1},"text":"hello Ann"}]}';
    const analysis = `"analysis":[{"type":"transcript","body":${body}}]`;
    const { text } = await runLink(link, `{"__proto__":{"polluted":1},${tagged},${parties},${analysis}}`);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    expect(Object.getPrototypeOf(parseVcon(text))).toBe(Object.prototype);
  });

  test.each(['', ' ', '{', '[]', 'null', '7', '{"payload":"!"}', '{"dialog":{}}'])(
    'answers %j with an error that says nothing of the document',
    async (text) => {
      await expect(runLink(link, text)).rejects.toMatchObject({ code: 'VCON_INVALID' });
    },
  );

  test.each([
    ['a'.repeat(3_000_000)],
    ['<'.repeat(3_000_000)],
    ['7 '.repeat(1_500_000)],
    ['+7(('.repeat(750_000)],
    ['漢'.repeat(1_000_000)],
    ['\n'.repeat(3_000_000)],
  ])('gets through one endless message', async (body) => {
    const dialog = [{ type: 'text', mediatype: 'text/html', body }];
    const attachments = [{ type: 'tags', body: ['privacy:redact'] }];
    const vcon = JSON.stringify({
      parties: [
        { name: body, tel: body },
        { role: 'customer', name: 'Ann' },
      ],
      dialog,
      attachments,
    });
    expect((await runLink(link, vcon)).answer).toBeTypeOf('string');
  });

  test('gets through a hundred thousand short messages', async () => {
    const { answer } = await runLink(link, chat(...Array(100_000).fill('good day')));
    expect(answer).toBe('entered');
  });
});
