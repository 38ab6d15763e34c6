import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openCheckpoint, signCheckpoint } from '../../../src/ledger/proof/checkpoint.ts';
import { generateKey, openNote, parseVerifierKey, signerOf } from '../../../src/ledger/proof/note.ts';

/** The key and the note of Go's own tests of the format (golang.org/x/mod/sumdb/note, note_test.go). */
const VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const SKEY = 'AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const NOTE = `${TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;
/** The examples of the specifications (C2SP signed-note, tlog-checkpoint). */
const QUASIMODO =
  'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n';
const SOFA =
  'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n';

const peter = parseVerifierKey(VKEY);

function peterPem(): string {
  const seed = Buffer.from(SKEY, 'base64').subarray(1);
  const key = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ format: 'der', type: 'pkcs8', key })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

describe('the vectors of golang.org/x/mod/sumdb/note', () => {
  test('the note opens, and only with its key', () => {
    expect(openNote(NOTE, [peter])).toEqual({ state: 'signed', text: TEXT, by: peter });
    expect(openNote(NOTE, [])).toEqual({ state: 'unknown_key', text: TEXT });
  });

  test('signing gives the same note, to the byte', () => {
    const signer = signerOf('PeterNeumann', peterPem());
    expect(signer.vkey).toBe(VKEY);
    expect(signer.sign(TEXT)).toBe(NOTE);
  });

  test('no part of a verifier key, and none with another byte, is a verifier key', () => {
    const broken = [...VKEY].flatMap((letter, i) => [
      VKEY.slice(0, i),
      VKEY.slice(i + 1),
      VKEY.slice(0, i) + String.fromCharCode(letter.charCodeAt(0) + 1) + VKEY.slice(i + 1),
    ]);
    for (const vkey of [
      ...broken,
      'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
      'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    ])
      expect(() => parseVerifierKey(vkey)).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
  });

  test.each([
    ['no blank line', NOTE.replace('\n\n', '\n')],
    ['no signature', `${TEXT}\n`],
    ['no final line break', NOTE.trimEnd()],
    ['a hyphen for the dash', NOTE.replace('—', '-')],
    ['a control character', NOTE.replace('cryptography', 'crypto\tgraphy')],
    ['base64 that is not canonical', NOTE.replace('nAM=', 'nAN=')],
    ['more than sixteen signatures', NOTE + '— PeterNeumann x08go/ZJkuBS\n'.repeat(16)],
  ])('a note with %s is malformed', (_, note) => {
    expect(openNote(note, [peter])).toEqual({ state: 'malformed' });
  });

  test('another text is forged', () => {
    expect(openNote(NOTE.replace('answer', 'reason'), [peter])).toEqual({ state: 'forged' });
  });

  test('signatures of others are passed over', () => {
    const witness = '— witness.example AAAAAAECAwQ=\n';
    expect(openNote(NOTE + witness, [peter])).toMatchObject({ state: 'signed' });
    expect(openNote(NOTE.replace('\n\n', `\n\n${witness}`), [peter])).toMatchObject({ state: 'signed' });
  });
});

describe('the examples of C2SP', () => {
  test('a note whose text has empty lines', () => {
    expect(openNote(QUASIMODO, [peter])).toEqual({
      state: 'unknown_key',
      text: 'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n',
    });
  });

  test('a checkpoint', () => {
    expect(openCheckpoint(SOFA, [peter])).toEqual({
      state: 'unknown_key',
      head: {
        origin: 'example.com/behind-the-sofa',
        size: 20_852_163,
        root: Buffer.from('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'base64'),
      },
    });
  });
});

describe('a checkpoint', () => {
  const signer = signerOf('example.com/ledger', generateKey());
  const head = { origin: signer.name, size: 7, root: Buffer.alloc(32, 7) };
  const verifiers = [parseVerifierKey(signer.vkey)];

  test('says what was signed', () => {
    expect(openCheckpoint(signCheckpoint(head, signer), verifiers)).toEqual({ state: 'signed', head });
  });

  test('is Ed25519 over its text, as any other program checks it', () => {
    const [text = '', signature = ''] = signCheckpoint(head, signer).split('\n\n');
    const bytes = Buffer.from(signature.split(' ')[2] ?? '', 'base64').subarray(4);
    const raw = Buffer.from(signer.vkey.split('+').slice(2).join('+'), 'base64').subarray(1);
    const key = createPublicKey({
      format: 'jwk',
      key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') },
    });
    expect(verify(null, Buffer.from(`${text}\n`), key, bytes)).toBe(true);
  });

  const root = head.root.toString('base64');
  test.each([
    ['a leading zero', `o\n07\n${root}\n`],
    ['a sign', `o\n+7\n${root}\n`],
    ['an extension line', `o\n7\n${root}\nmore\n`],
    ['a short root', 'o\n7\nAAAA\n'],
    ['no root', 'o\n7\n'],
  ])('with %s is malformed', (_, text) => {
    expect(openCheckpoint(signer.sign(text), verifiers)).toEqual({ state: 'malformed' });
  });
});

test.each(['', 'with space', 'plus+sign', 'line\nbreak'])('%j is no name of a key', (name) => {
  expect(() => signerOf(name, generateKey())).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
});

test('a file that holds no Ed25519 key is refused without a word of it', () => {
  expect(() => signerOf('name', 'hunter2')).toThrow(/^the key file holds no Ed25519 private key in PEM$/);
});
