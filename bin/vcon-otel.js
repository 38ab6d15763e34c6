#!/usr/bin/env node
// Whatever Node.js there is has to parse this file in order to refuse: no syntax younger than Node.js 12.

const version = process.versions.node;
const [major, minor] = version.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 15)) {
  refuse(
    `vcon-otel needs Node.js 22.15 or newer; this is ${version}. "npm ci" brings one into a checkout, "npm install node@24" into a project; npx and npm scripts use it.`,
  );
} else {
  // It reads its configuration again then, and has not read it yet. By default it would end.
  if (process.argv[2] === 'serve') process.on('SIGHUP', () => undefined);
  import('node:fs').then(({ existsSync }) => {
    // A checkout runs its sources as they are, an installed package has only what was built from them.
    if (!existsSync(new URL('../src/cli.ts', import.meta.url))) return start('../dist/cli.js');
    if (process.features.typescript) return start('../src/cli.ts');
    return refuse(
      `In a checkout, use "npm run vcon-otel", which brings its own Node.js; this one, ${version}, does not run TypeScript.`,
    );
  });
}

function start(path) {
  return import(path).then(({ main }) => main());
}

function refuse(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
}
