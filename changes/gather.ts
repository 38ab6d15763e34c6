import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Called by `npm version`, which has put the new version into package.json: README.md.

const HERE = import.meta.dirname;
const CHANGELOG = join(HERE, '../CHANGELOG.md');
const HEAD = '# Changes\n';

if (import.meta.main) {
  const { version } = JSON.parse(readFileSync(join(HERE, '../package.json'), 'utf8')) as { version: string };
  const fragments = readdirSync(HERE)
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .toSorted();
  const texts = fragments.map((name) => readFileSync(join(HERE, name), 'utf8'));
  writeFileSync(CHANGELOG, withSection(readFileSync(CHANGELOG, 'utf8'), version, new Date(), texts));
  for (const name of fragments) rmSync(join(HERE, name));
}

/**
 * A changelog with a section for a new version on top.
 * @param fragments each becomes an item
 * @throws Error where there are none, or the version has a section already
 */
export function withSection(
  changelog: string,
  version: string,
  date: Date,
  fragments: readonly string[],
): string {
  if (fragments.length === 0) throw new Error('there is nothing in changes/: what would the version be for?');
  if (changelog.includes(`\n## ${version} `))
    throw new Error(`CHANGELOG.md has a section ${version} already`);
  const items = fragments.map((text) => `- ${text.trim().replace(/^- /, '').replaceAll('\n', '\n  ')}`);
  const section = `\n## ${version} (${date.toISOString().slice(0, 10)})\n\n${items.join('\n')}\n`;
  return changelog.replace(HEAD, () => HEAD + section);
}
