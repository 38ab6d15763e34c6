import type { Vcon } from '../../model/vcon.ts';
import { bodyOf, isRecord, recordsOf } from './json.ts';

/** Something that one party said or wrote without a break. */
export interface Turn {
  /** Place of the dialog in the vCon. */
  readonly dialog: number;
  /** Place of the party in the vCon, if known. */
  readonly party: number | undefined;
  readonly text: string;
}

/**
 * What was said in a vCon: the text bodies of dialogs, then transcripts. Of several transcripts of one dialog the
 * first counts.
 */
export function turnsOf(vcon: Vcon): Turn[] {
  const turns: Turn[] = [];
  const told = new Set<number>();
  for (const [index, dialog] of recordsOf(vcon.dialog)) {
    const text = textOf(dialog);
    if (text === undefined) continue;
    told.add(index);
    turns.push({ dialog: index, party: firstIndex(dialog.originator) ?? firstIndex(dialog.parties), text });
  }
  const speakers = namesOfParties(vcon);
  for (const [, analysis] of recordsOf(vcon.analysis)) {
    if (typeof analysis.type !== 'string' || !analysis.type.includes('transcript')) continue;
    const dialog = firstIndex(analysis.dialog) ?? 0;
    if (told.has(dialog)) continue;
    told.add(dialog);
    for (const { speaker, text } of utterancesOf(bodyOf(analysis)))
      turns.push({ dialog, party: partyOf(speaker, speakers), text });
  }
  return turns;
}

const ENCODINGS = new Map<unknown, BufferEncoding | undefined>([
  [undefined, undefined],
  ['none', undefined],
  ['base64', 'base64'],
  ['base64url', 'base64url'],
]);

function textOf(dialog: Record<string, unknown>): string | undefined {
  const { body, encoding, type } = dialog;
  const mediaType = dialog.mediatype ?? dialog.mimetype;
  if (type !== 'text' || typeof body !== 'string' || !ENCODINGS.has(encoding)) return undefined;
  const coded = ENCODINGS.get(encoding);
  const text = coded === undefined ? body : Buffer.from(body, coded).toString('utf8');
  const isHtml = typeof mediaType === 'string' && mediaType.startsWith('text/html');
  return isHtml ? text.replace(/<[^<>]*>/g, ' ') : text;
}

function firstIndex(value: unknown): number | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'number' && Number.isInteger(first) && first >= 0 ? first : undefined;
}

interface Utterance {
  readonly speaker: unknown;
  readonly text: string;
}

/** Transcripts in the formats of the conserver's links, Deepgram and the WTF draft. */
function utterancesOf(body: unknown): Utterance[] {
  if (typeof body === 'string') return [{ speaker: undefined, text: body }];
  if (Array.isArray(body)) return recordsOf(body).flatMap(([, item]) => utteranceOf(item));
  if (!isRecord(body)) return [];
  const { paragraphs, segments, transcript } = body;
  if (Array.isArray(segments)) return utterancesOf(segments);
  if (isRecord(paragraphs) && Array.isArray(paragraphs.paragraphs))
    return utterancesOf(paragraphs.paragraphs);
  if (isRecord(transcript)) return utteranceOf(transcript);
  return utteranceOf(body);
}

function utteranceOf(item: Record<string, unknown>): Utterance[] {
  const speaker = item.party ?? item.parties ?? item.speaker;
  const sentences = recordsOf(item.sentences)
    .map(([, sentence]) => sentence.text)
    .filter((sentence) => typeof sentence === 'string');
  const text = item.text ?? item.message ?? item.transcript ?? (sentences.join(' ') || undefined);
  return typeof text === 'string' ? [{ speaker, text }] : [];
}

/** Names and roles by which a transcript may refer to a party. */
function namesOfParties(vcon: Vcon): Map<string, number> {
  const names = new Map<string, number>();
  for (const [index, party] of recordsOf(vcon.parties)) {
    const meta = isRecord(party.meta) ? party.meta : {};
    for (const name of [party.name, party.role, meta.role])
      if (typeof name === 'string' && !names.has(name.toLowerCase())) names.set(name.toLowerCase(), index);
  }
  return names;
}

function partyOf(speaker: unknown, names: Map<string, number>): number | undefined {
  return typeof speaker === 'string' ? names.get(speaker.toLowerCase()) : firstIndex(speaker);
}
