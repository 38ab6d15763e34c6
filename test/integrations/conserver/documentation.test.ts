import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type ConfigInput, parseConfig } from '../../../src/config/load-config.ts';

const ROOT = join(import.meta.dirname, '../../..');
const page = await readFile(join(ROOT, 'docs/conserver.md'), 'utf8');
const forwarder = await readFile(join(ROOT, 'integrations/conserver/vcon_otel.py'), 'utf8');

/** The YAML blocks of the page, by the remark in their first line: whose file they are from. */
const blocks = [...page.matchAll(/```yaml\n *# (\S+)\n([\s\S]*?)```/g)].map(([, file, text = '']) => ({
  file,
  value: parse(text),
}));
const of = (file: string) => blocks.filter((block) => block.file === file).map(({ value }) => value);

describe('docs/conserver.md', () => {
  it('has blocks for both files', () => {
    expect(of('vcon-otel').length).toBeGreaterThan(3);
    expect(of('server').length).toBe(3);
  });

  it('shows configurations that are valid', () => {
    const env = { VCON_OTEL_TOKEN: 't', JLINC_KEY: 'k', JLINC_ARCHIVE_KEY: 'k' };
    for (const block of of('vcon-otel')) expect(parseConfig(block as ConfigInput, env).config).toBeDefined();
  });

  it('shows options that the forwarder takes, and all of them', () => {
    const known = defaultsOf(forwarder);
    const shown = of('server').flatMap(({ tracers }) => Object.keys(tracers.vcon_otel.options));
    expect(shown.filter((name) => name !== 'dlq_vcon_on_error' && !known.includes(name))).toEqual([]);
    const rows = [...page.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    expect(rows).toEqual(expect.arrayContaining(known));
  });

  it('points to files that are there', async () => {
    const targets = [...page.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path = '']) => path);
    expect(targets.length).toBeGreaterThan(0);
    await Promise.all(targets.map((path) => access(join(ROOT, 'docs', path))));
  });
});

/** The names in the forwarder's `default_options`. */
function defaultsOf(source: string): string[] {
  const [, body = ''] = source.match(/^default_options[^{]*\{\n([\s\S]*?)^\}/m) ?? [];
  return [...body.matchAll(/^ {4}"(\w+)":/gm)].map(([, name = '']) => name);
}
