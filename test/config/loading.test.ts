import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Says which packages a module loads with everything that it imports. */
const SCRIPT = `
  import { registerHooks } from 'node:module';
  const packages = new Set();
  registerHooks({
    load(url, context, next) {
      const path = url.split('/node_modules/').at(-1);
      if (path !== url) packages.add(path.split('/').slice(0, path.startsWith('@') ? 2 : 1).join('/'));
      return next(url, context);
    },
  });
  await import('${new URL('../../src/config/load-config.ts', import.meta.url)}');
  console.log([...packages].sort().join());`;

test('whoever reads a configuration loads no library of a component, though the schema is made of all of them', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=vcon-otel-source',
    '--input-type=module',
    '--eval',
    SCRIPT,
  ]);
  expect(stdout.trim()).toBe('yaml,zod');
});
