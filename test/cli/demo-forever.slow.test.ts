import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startCollector } from '../service/collector.ts';
import { PATIENCE } from '../support/eventually.ts';
import { type Ended, startVconOtel, temporaryFolder, vconOtel } from './command-line.ts';

/** What three rounds of the vCons that come along run, at least. */
const THREE_ROUNDS = 3 * 37;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (name: string) => join(folder.path, name);

beforeEach(async () => {
  folder = await temporaryFolder();
  for (const name of ['here', 'tmp']) await mkdir(at(name));
});
afterEach(() => folder.remove());

async function collector(port = 0) {
  const started = await startCollector(port);
  onTestFinished(() => started.close());
  return started;
}

/** Starts it in an empty folder, without a pause worth speaking of. */
function forever(env: Readonly<Record<string, string>>, args: readonly string[] = []) {
  return startVconOtel(['demo', '--forever', '--pause', '1ms', ...args], {
    cwd: at('here'),
    env: { TMPDIR: at('tmp'), OTEL_BSP_SCHEDULE_DELAY: '50', ...env },
  });
}

const waitUntil = (fact: () => boolean) => vi.waitUntil(fact, PATIENCE);

function chainsOf({ spans }: Awaited<ReturnType<typeof startCollector>>): number {
  return spans().filter(({ name }) => name.startsWith('vcon_processing.')).length;
}

/** The numbers of its last line: vCons, runs, complete, halted, failed. */
function numbersOf({ stderr }: Ended): number[] {
  const line = stderr.trimEnd().split('\n').at(-1) ?? '';
  return [...line.matchAll(/\d+/g)].map(([number]) => Number(number));
}

const nothingIsLeft = () => expect([...readdirSync(at('here')), ...readdirSync(at('tmp'))]).toEqual([]);

describe('demo --forever', () => {
  test('runs its vCons again and again, sends each span and leaves nothing behind', async () => {
    const receiver = await collector();
    const demo = forever({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.endpoint}/v1/traces` });
    await waitUntil(() => chainsOf(receiver) > THREE_ROUNDS);
    expect(readdirSync(at('tmp')).length).toBeLessThanOrEqual(1);
    demo.child.kill('SIGTERM');
    const ended = await demo.ended;

    expect([ended.code, ended.stdout]).toEqual([0, '']);
    expect(ended.stderr).toMatch(
      /^Running vCons through three chains until SIGTERM or Ctrl-C, spans to http:\/\/127\.0\.0\.1:\d+\/v1\/traces …\n\d+ vCons, \d+ runs: \d+ complete, \d+ halted, \d+ failed\n$/,
    );
    const [, runs = 0, complete = 0, halted = 0, failed = 0] = numbersOf(ended);
    expect(chainsOf(receiver)).toBe(runs);
    expect(complete + halted + failed).toBe(runs);
    expect(halted).toBeGreaterThanOrEqual(9);
    expect(failed).toBeGreaterThanOrEqual(3);
    expect(receiver.spans().some(({ name }) => name === 'storage.warehouse')).toBe(true);
    // Metrics of these runs are made by whoever gets the spans.
    expect(new Set(receiver.requests.map(({ path }) => path))).toEqual(new Set(['/v1/traces']));
    nothingIsLeft();
  });

  test('sends metrics as well to an endpoint for everything, and takes vCons of your own', async () => {
    const receiver = await collector();
    await mkdir(at('mine'));
    const vcon = '{"vcon":"0.0.2","uuid":"018f0000-0000-8000-8000-000000000001","parties":[],"dialog":[]}';
    await writeFile(join(at('mine'), 'one.vcon.json'), vcon);
    await writeFile(join(at('mine'), 'none.json'), 'Good morning');
    const demo = forever({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint }, ['--vcons', at('mine')]);
    await waitUntil(() => chainsOf(receiver) > 10);
    demo.child.kill('SIGINT');
    const { code, stderr } = await demo.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/\n1 file skipped, vCon is not JSON: by name number 1\n$/);
    expect(receiver.metrics().map(({ name }) => name)).toContain('vcon.chain.duration');
    nothingIsLeft();
  });

  test('waits for a Collector that is not there yet, and loses nothing', async () => {
    const before = await startCollector();
    await before.close();
    const demo = forever({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${before.endpoint}/v1/traces`,
      OTEL_EXPORTER_OTLP_TIMEOUT: '200',
    });
    await demo.said('spans cannot be exported (ECONNREFUSED)');
    const receiver = await collector(before.port);
    await demo.said('spans are exported again');
    demo.child.kill('SIGTERM');
    const ended = await demo.ended;
    expect(ended.code).toBe(0);
    const [, runs = 0] = numbersOf(ended);
    expect(chainsOf(receiver)).toBe(runs);
  });

  test('ends on SIGTERM where the Collector is down, too', async () => {
    const before = await startCollector();
    await before.close();
    const demo = forever({ OTEL_EXPORTER_OTLP_ENDPOINT: before.endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: '200' });
    await demo.said('spans cannot be exported');
    demo.child.kill('SIGTERM');
    const { code, stderr } = await demo.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/spans lost: \d+ failed to export \(last: ECONNREFUSED\)/);
    nothingIsLeft();
  });

  test('ends by itself where there is no vCon', async () => {
    await mkdir(at('empty'));
    const { code, stderr } = await forever({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, [
      '--vcons',
      at('empty'),
    ]).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('\nvcon-otel: the folder holds no vCon that could be read\n');
    nothingIsLeft();
  });

  test.each([
    [
      ['--forever'],
      '--forever sends spans to a Collector: OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must say where it is',
    ],
    [['--forever', '--json'], "option '--forever' cannot be used with option '--json'"],
    [['--forever', '--count', '2'], "option '--forever' cannot be used with option '--count <n>'"],
    [['--forever', '--out', 'x'], "option '--forever' cannot be used with option '--out <dir>'"],
    [['--pause', '1s'], "option '--pause <duration>' goes with --forever"],
    [
      ['--forever', '--pause', '5'],
      "option '--pause <duration>' argument '5' is invalid. It is a duration such as 500ms or 10s.",
    ],
  ])('%j is wrong usage, and says why', async (args, sentence) => {
    const { code, stdout, stderr } = await vconOtel(['demo', ...args], { cwd: at('here') });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe(`vcon-otel: ${sentence}\n(vcon-otel demo --help says how)\n`);
    nothingIsLeft();
  });
});
