import { expect, test } from 'vitest';
import { withSection } from '../../changes/gather.ts';

const BEFORE = '# Changes\n\n## 0.1.0 (2026-01-15)\n\n- The first.\n';
const DATE = new Date('2026-02-01T12:00:00Z');

test('fragments become the newest section of the changelog', () => {
  const fragments = ['A redis:// url may name\na database.\n', '- `queue` is faster: $& times.\n'];
  expect(withSection(BEFORE, '0.2.0', DATE, fragments)).toBe(
    '# Changes\n\n## 0.2.0 (2026-02-01)\n\n- A redis:// url may name\n  a database.\n- `queue` is faster: $& times.\n' +
      '\n## 0.1.0 (2026-01-15)\n\n- The first.\n',
  );
});

test('a version without changes, or that is there already, is refused', () => {
  expect(() => withSection(BEFORE, '0.2.0', DATE, [])).toThrow('nothing');
  expect(() => withSection(BEFORE, '0.1.0', DATE, ['More.'])).toThrow('0.1.0 already');
});
