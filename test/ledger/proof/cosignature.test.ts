import { createPrivateKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  answeredCosignatures,
  cosignaturesOf,
  cosignerOf,
  parseWitnessKey,
} from '../../../src/ledger/proof/cosignature.ts';
import { generateKey, signerOf } from '../../../src/ledger/proof/note.ts';

const TEXT = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
const LOG =
  '— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n';
const NOTE = `${TEXT}\n${LOG}`;
const SECONDS = 1_679_315_147;

/** A key that is the same in every run: 32 bytes of one value. */
function pemOf(byte: number): string {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, byte)]);
  return createPrivateKey({ format: 'der', type: 'pkcs8', key: der })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

const cosigner = cosignerOf('witness.example/w1', pemOf(1));
const witness = parseWitnessKey(cosigner.vkey);
const other = cosignerOf('witness.example/w2', pemOf(2));

describe('a cosignature', () => {
  test('is one line of the witness, with the time, beside the signature of the log', () => {
    const line = cosigner.cosign(TEXT, SECONDS);
    expect(line).toMatch(/^— witness[.]example\/w1 [A-Za-z0-9+/]+=*\n$/);
    expect(cosignaturesOf(NOTE + line, [witness])).toEqual([{ witness, time: SECONDS * 1e3, line }]);
    expect(answeredCosignatures(TEXT, line, [witness])).toEqual([{ witness, time: SECONDS * 1e3, line }]);
  });

  test('of a witness that is not known is ignored', () => {
    const note = NOTE + other.cosign(TEXT, SECONDS) + cosigner.cosign(TEXT, SECONDS);
    expect(cosignaturesOf(note, [witness])).toHaveLength(1);
    expect(cosignaturesOf(NOTE, [witness])).toEqual([]);
  });

  test('is the newest of several of one witness', () => {
    const lines = [SECONDS, SECONDS + 60, SECONDS - 60].map((time) => cosigner.cosign(TEXT, time)).join('');
    expect(cosignaturesOf(NOTE + lines, [witness])?.map(({ time }) => time)).toEqual([(SECONDS + 60) * 1e3]);
  });

  test('that does not hold makes the note count for nothing', () => {
    const [head = '', base64 = ''] = cosigner.cosign(TEXT, SECONDS).split(/ (?=[^ ]+$)/);
    const bytes = Buffer.from(base64, 'base64');
    for (const at of [4, 11, 12, 75]) {
      const bent = Buffer.from(bytes);
      bent.writeUInt8(bent.readUInt8(at) ^ 1, at);
      expect(cosignaturesOf(`${NOTE}${head} ${bent.toString('base64')}\n`, [witness])).toBeUndefined();
    }
    expect(
      cosignaturesOf(`${NOTE}${head} ${bytes.subarray(0, -1).toString('base64')}\n`, [witness]),
    ).toBeUndefined();
    const elsewhere = cosigner.cosign(TEXT.replace('20852163', '20852164'), SECONDS);
    expect(cosignaturesOf(NOTE + elsewhere, [witness])).toBeUndefined();
  });

  test('without a time is none', () => {
    expect(cosignaturesOf(NOTE + cosigner.cosign(TEXT, 0), [witness])).toBeUndefined();
  });

  test('what a witness answers must be signature lines', () => {
    for (const lines of ['', 'yes\n', cosigner.cosign(TEXT, SECONDS).trimEnd()])
      expect(answeredCosignatures(TEXT, lines, [witness])).toBeUndefined();
  });
});

test('the key of a ledger is not that of a witness, though the private keys look alike', () => {
  const pem = generateKey();
  expect(() => parseWitnessKey(signerOf('example.com/x', pem).vkey)).toThrow(
    expect.objectContaining({ code: 'KEY_INVALID' }),
  );
  expect(parseWitnessKey(cosignerOf('example.com/x', pem).vkey).name).toBe('example.com/x');
});

test('the example of the specification is read', () => {
  // Its witness has no published key; that of the log is not needed either.
  const example = `${NOTE}— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n`;
  expect(cosignaturesOf(example, [witness])).toEqual([]);
});
