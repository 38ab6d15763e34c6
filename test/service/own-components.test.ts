import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { diagnose } from '../../src/cli/doctor/index.ts';
import { validateCommand } from '../../src/cli/validate.ts';
import { type ConfigInput, loadConfig, parseConfig } from '../../src/config/load-config.ts';
import { defineExporter, defineTracer, type Exporter, traceChain } from '../../src/index.ts';
import { startService } from '../../src/service/service.ts';
import type { Service } from '../../src/service/tracing.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import toyExporter from './toy-exporter.ts';

const EXPORTER = join(import.meta.dirname, 'toy-exporter.ts');
const STORE = join(import.meta.dirname, 'toy-vcon-store.ts');
const CANARY = 'canary-7f3a';

let folder: string;
const at = (name: string) => join(folder, name);

beforeEach(() => {
  folder = temporaryFolder();
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

/** A configuration file with a toy exporter and a toy store, and what differs. */
function written(exporter: object = {}, store: object = {}): string {
  const config = {
    exporters: { mine: { module: EXPORTER, options: { path: at('spans'), api_key: CANARY }, ...exporter } },
    vcon_store: { module: STORE, options: { text: 'a document' }, ...store },
    journal: { type: 'memory' },
    health: { port: 0 },
  };
  writeFileSync(at('config.yml'), JSON.stringify(config));
  return at('config.yml');
}

async function start(config: ConfigInput): Promise<Service> {
  const service = await startService(parseConfig({ log_level: 'error', ...config }, {}));
  onTestFinished(() => service.shutdown());
  return service;
}

async function validate(file: string, ...args: string[]): Promise<string> {
  let output = '';
  const stdout = { write: (text: string) => (output += text) };
  const command = validateCommand({ stdout, colour: false, exit: () => {} });
  await command.parseAsync([file, ...args], { from: 'user' });
  expect(output).not.toContain(CANARY);
  return output.replaceAll(folder, '.');
}

async function doctor(file: string): Promise<string[]> {
  const diagnoses = await diagnose(await loadConfig(file, {}), file, 5_000);
  return diagnoses.flatMap(({ about, findings }) =>
    findings.map(({ state, text }) => `${about}: ${state} ${text.replaceAll(folder, '.')}`),
  );
}

/** An exporter that is a class, as some like it. */
class Kept implements Exporter {
  readonly #names: string[];

  constructor(names: string[]) {
    this.#names = names;
  }

  get spans(): NonNullable<Exporter['spans']> {
    return {
      export: (batch, done) => {
        this.#names.push(...batch.map(({ name }) => name));
        done({ code: 0 });
      },
      shutdown: async () => {},
    };
  }

  async close(): Promise<void> {
    this.#names.push('closed');
  }
}

const lines = (name: string) => readFileSync(at(name), 'utf8').trimEnd().split('\n');

describe('an exporter and a vCon store of somebody else', () => {
  test('are a configuration that is valid, printed without what is secret', async () => {
    const output = await validate(written(), '--print');
    expect(output).toContain(`✓ vcon_store: ${STORE}\n`);
    expect(output).toContain(`✓ exporters: mine (${EXPORTER})\n`);
    expect(output).toContain('is valid\n');
    expect(output).toContain('api_key: "[redacted]"');
  });

  test('are looked at by doctor, as they themselves say', async () => {
    expect(await doctor(written())).toEqual(
      expect.arrayContaining([
        'exporters.mine: ok mine can write in less than 4500 ms',
        'vcon_store: warning it only knows a document',
      ]),
    );
    expect(await doctor(written({ options: { path: at('nowhere/spans') } }))).toContain(
      'exporters.mine: fault mine finds no ./nowhere',
    );
  });

  test('get the spans, and are asked for the vCons', async () => {
    const read: (string | undefined)[] = [];
    const reader = defineTracer({
      create: (_options, { vcons }) => ({
        trace: async (uuid, event) => {
          if (event === 'chain_start') read.push(await vcons.read(uuid));
        },
      }),
    });
    const service = await start({
      tracers: { reader: { module: reader } },
      exporters: { mine: { module: EXPORTER, options: { path: at('spans') } } },
      vcon_store: { module: STORE, options: { text: 'a document' } },
    });
    expect(service.lines.exporters).toEqual([`toy spans to ${at('spans')}`]);
    expect(service.prometheusUrl).toBe('http://127.0.0.1:1/toy');
    await traceChain({ name: 'main', links: ['tag'] }, 'uuid', (run) => run.link('tag', (uuid) => uuid));
    await service.forceFlush();
    expect(read).toEqual(['a document of uuid']);
    expect(lines('spans')).toEqual(['made mine', 'link.tag', 'vcon_processing.main']);
    expect(service.stats().exporters).toMatchObject({ mine: { exported: 2, failed: 0 } });
    await service.shutdown();
    expect(lines('spans').slice(3)).toEqual(['shut down', 'closed']);
  });

  test('may be definitions that code hands in', async () => {
    const spans: string[] = [];
    const module = defineExporter({
      create: () => new Kept(spans),
    });
    const service = await start({ exporters: { mine: { module } } });
    expect(service.lines.exporters).toEqual(['mine (given by code)']);
    await traceChain({ name: 'main', links: [] }, 'uuid', () => {});
    await service.shutdown();
    expect(spans).toEqual(['vcon_processing.main', 'closed']);
  });
});

test('an exporter that throws or refuses, at work and at its end, changes nothing for another', async () => {
  const bad = (spans: NonNullable<Exporter['spans']>) => ({
    module: defineExporter({
      create: () => ({ spans, close: () => Promise.reject(new Error('on purpose')) }),
      describe: () => {
        throw new Error('on purpose');
      },
    }),
  });
  const thrown = () => {
    throw new Error('on purpose');
  };
  const service = await start({
    exporters: {
      throwing: bad({ export: thrown, shutdown: thrown }),
      refusing: bad({ export: (_spans, done) => done({ code: 1 }), shutdown: () => Promise.reject(1) }),
      good: { module: EXPORTER, options: { path: at('spans') } },
    },
  });
  expect(service.lines.exporters[0]).toBe('throwing (given by code)');
  await traceChain({ name: 'main', links: [] }, 'uuid', () => {});
  await service.forceFlush();
  expect(service.stats().exporters).toMatchObject({
    throwing: { exported: 0, failed: 1 },
    refusing: { exported: 0, failed: 1 },
    good: { exported: 1, failed: 0 },
  });
  await service.shutdown();
  expect(lines('spans')).toEqual(['made good', 'vcon_processing.main', 'shut down', 'closed']);
});

describe('what is wrong with them', () => {
  test.each<[string, object, object, string]>([
    [
      'a module that is not there',
      { module: './gone.ts' },
      {},
      'exporters.mine.module: there is no such file, nor a folder with an index file',
    ],
    [
      'a package that is not there',
      {},
      { module: 'no-such-package' },
      'vcon_store.module: there is no file or package of this name',
    ],
    [
      'a module that is something else',
      { module: STORE.replace('toy-vcon-store', 'collector') },
      {},
      'exporters.mine.module: it exports no definition (defineExporter)',
    ],
    [
      'an option that is wrong',
      { options: { path: 'x', api_key: 7 } },
      { options: { text: 'x', colour: CANARY } },
      'vcon_store.options.colour: unknown option; there are text',
    ],
  ])('%s is said by its path', async (_what, exporter, store, message) => {
    expect(await validate(written(exporter, store))).toContain(`✗ ${message} (line `);
    expect((await doctor(written(exporter, store))).join('\n')).toContain(message);
  });

  test.each<[string, ConfigInput, object]>([
    [
      'options that are wrong',
      { exporters: { mine: { module: toyExporter, options: { path: 7 } } } },
      { code: 'OPTIONS_INVALID', path: 'exporters.mine.options.path' },
    ],
    [
      'one that cannot be made',
      { exporters: { mine: { module: toyExporter, options: { path: 'x', fails: true, api_key: CANARY } } } },
      {
        code: 'COMPONENT_FAILED',
        path: 'exporters.mine',
        message: 'exporters.mine: it could not be made: RangeError',
      },
    ],
    [
      'an exporter that offers nothing',
      { exporters: { mine: { module: defineExporter({ create: () => ({}) }) } } },
      {
        code: 'MODULE_INVALID',
        path: 'exporters.mine.module',
        message: 'exporters.mine.module: create() made no exporter of spans or metrics',
      },
    ],
    [
      'a store that is none',
      { vcon_store: { module: { create: () => ({}) as never } } },
      { code: 'MODULE_INVALID', path: 'vcon_store.module' },
    ],
  ])('%s ends the start, and the next one works', async (_what, config, refusal) => {
    await expect(start(config)).rejects.toMatchObject(refusal);
    await start({});
  });

  test('an exporter made before another that cannot be is closed', async () => {
    const good = { module: toyExporter, options: { path: at('spans') } };
    const bad = { module: toyExporter, options: { path: at('x'), fails: true } };
    await expect(start({ exporters: { good, bad } })).rejects.toMatchObject({ path: 'exporters.bad' });
    expect(lines('spans')).toEqual(['made good', 'shut down', 'closed']);
  });
});
