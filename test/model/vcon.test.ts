import { describe, expect, test } from 'vitest';
import { emptyVconStore, MAX_VCON_LENGTH, parseVcon } from '../../src/model/vcon.ts';

describe('a vCon', () => {
  test.each([
    ['of draft 0.0.1', { vcon: '0.0.1', uuid: 'V', parties: [], dialog: [] }],
    ['of draft 0.5.0 with keys that we do not know', { vcon: '0.5.0', uuid: 'V', amended: {}, anything: 1 }],
    ['without a version', { uuid: 'V', parties: [{}], dialog: [{}, {}] }],
    ['with null where others have lists', { uuid: 'V', parties: null, attachments: null }],
    ['that is signed', { payload: 'e30', signatures: [] }],
    ['that is encrypted', { ciphertext: 'x', recipients: [] }],
    ['that is empty', {}],
  ])('%s is read, and nothing of it is lost', (_, document) => {
    expect(parseVcon(JSON.stringify(document))).toEqual(document);
  });

  test.each([
    ['nothing', '', 'vCon is empty'],
    ['white space', ' \n', 'vCon is empty'],
    ['a truncated document', '{"uuid": "canary', 'vCon is not JSON'],
    ['text', 'canary', 'vCon is not JSON'],
    ['a list', '["canary"]', 'vCon is not a JSON object'],
    ['a string', '"canary"', 'vCon is not a JSON object'],
    ['null', 'null', 'vCon is not a JSON object'],
    ['a uuid that is no string', '{"uuid": 7}', 'vCon has an unexpected uuid'],
    ['parties that are no list', '{"parties": "canary"}', 'vCon has an unexpected parties'],
  ])('%s is refused without being quoted', (_, text, message) => {
    expect(() => parseVcon(text)).toThrow(expect.objectContaining({ code: 'VCON_INVALID', message }));
  });

  test('laden with __proto__ changes no prototype', () => {
    const vcon = parseVcon(
      '{"uuid":"V","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    );
    expect(vcon.uuid).toBe('V');
    expect(Object.getPrototypeOf(vcon)).toBe(Object.prototype);
    expect('polluted' in vcon).toBe(false);
    expect('polluted' in {}).toBe(false);
  });

  test('of 50 MB is read', () => {
    const body = 'A'.repeat(50 * 1024 * 1024);
    expect(parseVcon(JSON.stringify({ uuid: 'V', dialog: [{ body }] })).uuid).toBe('V');
  });

  test('beyond the limit is refused before it is parsed', () => {
    expect(() => parseVcon(' '.repeat(MAX_VCON_LENGTH + 1))).toThrow(
      expect.objectContaining({ code: 'VCON_TOO_LARGE' }),
    );
  });
});

test('the empty store has nothing and takes nothing', async () => {
  expect(await emptyVconStore.read('V')).toBeUndefined();
  await expect(emptyVconStore.write('V', '{}')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
