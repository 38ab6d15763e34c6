import { expect, test } from 'vitest';
import { eventData } from '../../../src/tracers/jlinc/event-data.ts';

/** No document here has a key of its own. */
const NO_KEYS = { hmac: async () => undefined };

async function hashOf(hash: 'jcs' | 'python-compat', text: string): Promise<unknown> {
  const { value } = await eventData({ hash_event_data: true, hash }, 'any', text, NO_KEYS);
  return (value as { hash: unknown }).hash;
}

// RFC 8785 §3.2.2.3: a number is written as ECMAScript writes the double that it is.
test('integers beyond 2^53 are doubles in canonical form, and keep each digit in that of Python', async () => {
  const [even, odd] = ['{"n":9007199254740992}', '{"n":9007199254740993}'];
  expect(await hashOf('jcs', odd)).toBe(await hashOf('jcs', even));
  expect(await hashOf('python-compat', odd)).not.toBe(await hashOf('python-compat', even));
  expect(await hashOf('jcs', '{"n":9007199254740991}')).not.toBe(
    await hashOf('jcs', '{"n":9007199254740990}'),
  );
});

test('a number that is no double has no canonical form', async () => {
  await expect(hashOf('jcs', '{"n":1e400}')).rejects.toMatchObject({ code: 'VCON_INVALID', permanent: true });
});
