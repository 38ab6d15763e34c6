import { verify, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { turnsOf } from '../../../src/cli/demo/turns.ts';
import { parseVcon } from '../../../src/model/vcon.ts';
import { readme, shipped, shippedText } from './shipped.ts';

const Dialogs = z.array(
  z.looseObject({ type: z.string(), body: z.string().optional(), encoding: z.string().optional() }),
);
const Signed = z.object({
  payload: z.string(),
  signatures: z.tuple([
    z.object({
      header: z.object({ x5c: z.tuple([z.string()]), uuid: z.string() }),
      protected: z.string(),
      signature: z.string(),
    }),
  ]),
});

describe('the shipped vCons', () => {
  test('are at least a dozen, and every one is a vCon', () => {
    expect(shipped.size).toBeGreaterThanOrEqual(12);
    for (const text of shipped.values()) expect(parseVcon(text)).toBeTypeOf('object');
  });

  test('differ in size, from less than 1 kB to more than 2 MB', () => {
    const sizes = [...shipped.values()].map((text) => Buffer.byteLength(text)).sort((a, b) => a - b);
    expect(sizes[0]).toBeLessThan(1000);
    expect(sizes.filter((size) => size > 100_000 && size < 1_000_000).length).toBeGreaterThanOrEqual(2);
    expect(sizes.at(-1)).toBeGreaterThan(2_000_000);
  });

  test('differ in form: drafts old and new, none, signed and encrypted', () => {
    const forms = [...shipped.values()].map((text) => {
      const vcon = parseVcon(text);
      if (vcon.ciphertext !== undefined) return 'encrypted';
      return vcon.payload !== undefined ? 'signed' : (vcon.vcon ?? 'none');
    });
    expect(new Set(forms)).toEqual(new Set(['0.0.1', '0.3.0', '0.4.0', 'none', 'signed', 'encrypted']));
  });

  test('differ in language and script', () => {
    const languages = [...shipped.keys()].map((name) => /-([a-z]{2})$/.exec(name)?.[1]);
    for (const language of ['ar', 'de', 'en', 'es', 'fr', 'ja']) expect(languages).toContain(language);
    expect(shippedText('order-chat-ar')).toMatch(/\p{sc=Arab}/u);
    expect(shippedText('hotel-chat-ja')).toMatch(/\p{sc=Hira}/u);
  });

  test('have uuids of their own', () => {
    const uuids = [...shipped.values()].flatMap((text) => parseVcon(text).uuid ?? []);
    expect(new Set(uuids).size).toBe(uuids.length);
    for (const uuid of uuids)
      expect(uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-[48][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });

  test('say something, wherever they can be read', () => {
    for (const [name, text] of shipped) {
      const vcon = parseVcon(text);
      if (vcon.payload !== undefined || vcon.ciphertext !== undefined) continue;
      expect(turnsOf(vcon).length, name).toBeGreaterThan(0);
    }
  });

  test('are listed in their page with their true sizes', () => {
    for (const [name, text] of shipped) {
      const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
      expect(row?.split('|')[5]?.trim(), name).toBe(humanSize(Buffer.byteLength(text)));
    }
  });

  test('hold no domain but example domains, and no number but +1555', () => {
    for (const [name, text] of shipped) {
      const readable = readableText(text);
      const domains = [...readable.matchAll(/(?:@|https?:\/\/)([\w.-]*\w)/g)].map(([, domain]) => domain);
      for (const domain of domains) expect(domain, name).toMatch(/(?:^|\.)example\.(?:com|net|org)$/);
      for (const [number] of readable.matchAll(/\+\d[\d .()-]{6,20}\d/g))
        expect(number.replace(/\D/g, ''), name).toMatch(/^1555/);
    }
  });
});

test('the interview holds a WAV recording as long as it says', () => {
  const [recording] = Dialogs.parse(parseVcon(shippedText('oral-history-audio-es')).dialog);
  expect(recording?.encoding).toBe('base64url');
  const wav = Buffer.from(recording?.body ?? '', 'base64url');
  expect(wav.toString('latin1', 0, 4)).toBe('RIFF');
  expect(wav.toString('latin1', 8, 16)).toBe('WAVEfmt ');
  expect(wav.readUInt32LE(4)).toBe(wav.length - 8);
  const bytesPerSecond = wav.readUInt32LE(28);
  expect((wav.length - 44) / bytesPerSecond).toBe(recording?.duration);
});

test('the signature of the signed one is genuine', () => {
  const { payload, signatures } = Signed.parse(JSON.parse(shippedText('signed-lease-call-nl')));
  const [{ header, protected: protectedHeader, signature }] = signatures;
  const { publicKey } = new X509Certificate(Buffer.from(header.x5c[0], 'base64'));
  const signed = Buffer.from(`${protectedHeader}.${payload}`);
  expect(verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
  expect(parseVcon(Buffer.from(payload, 'base64url').toString()).uuid).toBe(header.uuid);
});

test('the encrypted one has every part of a JWE', () => {
  const sealed = JSON.parse(shippedText('sealed-advice-chat'));
  expect(JSON.parse(Buffer.from(sealed.protected, 'base64url').toString())).toEqual({
    alg: 'RSA-OAEP',
    enc: 'A256CBC-HS512',
  });
  for (const part of [sealed.iv, sealed.ciphertext, sealed.tag, sealed.recipients[0].encrypted_key])
    expect(part).toMatch(/^[\w-]+$/);
});

function humanSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** The document, and what it holds in an encoding of its own. */
function readableText(text: string): string {
  const vcon = parseVcon(text);
  const payload = typeof vcon.payload === 'string' ? Buffer.from(vcon.payload, 'base64url').toString() : '';
  const turns = vcon.ciphertext === undefined ? turnsOf(vcon).map((turn) => turn.text) : [];
  return [text, payload, ...turns].join('\n');
}
