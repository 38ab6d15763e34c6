import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Chain } from '../../src/index.ts';
import { runInProcess } from '../cli/in-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { differs, type Item, same } from './item.ts';
import { BROKEN, type PassageSettings, pass, UUID } from './passage.ts';

/** A ledger of a passage, and commands on it. */
async function ledger(settings: PassageSettings = {}, options: object = {}) {
  const directory = join(temporaryFolder(), 'ledger');
  const tracers = { audit: { module: 'tracers.compliance', options: { directory, ...options } } };
  await pass({ ...settings, tracers });
  const command = async (...args: string[]) => {
    const [name = '', ...rest] = args;
    const { code, stdout } = await runInProcess(['audit', name, directory, ...rest]);
    return { code, lines: stdout.trimEnd().split('\n') };
  };
  const records = async () => {
    const { lines } = await command('export');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const again = () => pass({ tracers });
  return { command, records, again };
}

const page = readFileSync(join(import.meta.dirname, '../../docs/from-the-documentation.md'), 'utf8');

/** What the table of use cases says of one: what to configure, what answers it, what it does not prove. */
function answered(useCase: string): void {
  const row = page.split('\n').find((line) => line.startsWith(`| ${useCase} |`));
  const cells = row
    ?.split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
  expect(cells).toHaveLength(4);
  for (const cell of cells ?? []) expect(cell.length).toBeGreaterThan(2);
}

/** What tracers are for. */
export const useCases: readonly Item[] = [
  differs('B35', 'GDPR', async () => {
    answered('GDPR');
    const { command } = await ledger();
    expect((await command('shred', '--vcon', UUID)).code).toBe(0);
    expect((await command('verify')).code).toBe(0);
  }),
  differs('B36', 'SOX', async () => {
    answered('SOX');
    const anchor = join(temporaryFolder(), 'anchor');
    const { command } = await ledger({}, { anchor });
    expect((await command('verify', '--strict', '--since', anchor)).code).toBe(0);
  }),
  differs('B37', 'HIPAA', async () => {
    answered('HIPAA');
    const { command } = await ledger();
    const { lines } = await command('export', '--format', 'ocsf');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ entity: { uid: UUID } });
  }),
  same('B38', 'where data comes from and what became of it', async () => {
    answered('Data provenance');
    const chain: Chain = { name: 'made', links: [{ name: 'copy', run: () => 'W' }] };
    const { records } = await ledger({ chain });
    expect(await records()).toContainEqual(
      expect.objectContaining({
        vcon_uuid: 'W',
        in_vcon_uuid: UUID,
        step: 'copy',
        lifecycle: 'vcon_created',
      }),
    );
  }),
  same('B39', 'tampering is detected', async () => {
    answered('Tamper detection');
    const { command } = await ledger();
    expect((await command('verify')).lines.join('\n')).toContain('intact');
  }),
  differs('B40', 'who accessed what, and when', async () => {
    answered('Access logging');
    const { command, records, again } = await ledger();
    await command('prove', '--vcon', UUID, '--actor', 'alice');
    await command('export', '--actor', 'alice');
    // Its next start records it.
    await again();
    const told = (await records()).filter(({ actor }) => actor === 'alice');
    expect(told.map(({ event, vcon_uuid }) => [event, vcon_uuid])).toEqual([
      ['vcon_proved', UUID],
      ['ledger_exported', undefined],
    ]);
    expect((await command('verify')).code).toBe(0);
  }),
  same('B41', 'how long things take', async () => {
    answered('Performance metrics');
    const { calls } = await pass();
    const ends = calls.filter(({ context }) => context.phase === 'complete');
    expect(ends.every(({ context }) => context.duration !== undefined)).toBe(true);
  }),
  same('B42', 'errors', async () => {
    answered('Error tracking');
    const { records } = await ledger({ chain: BROKEN });
    expect(await records()).toContainEqual(
      expect.objectContaining({ event: 'link_error', error_type: 'RangeError' }),
    );
  }),
  same('B43', 'how many conversations there are', async () => {
    answered('Business metrics');
    const counted: string[] = [];
    const counting = {
      trace: (uuid: string, event: string) => void (event === 'chain_start' && counted.push(uuid)),
    };
    await pass({ recording: counting });
    expect(counted).toEqual([UUID]);
  }),
  differs('B44', 'how long data is kept', async () => {
    answered('Retention tracking');
    const { records } = await ledger({}, { retention_policy: 'P6M' });
    expect(new Set((await records()).map(({ retention_policy }) => retention_policy))).toEqual(
      new Set(['P6M']),
    );
  }),
  differs('B45', 'what data is sensitive', async () => {
    answered('Data classification');
    const { records } = await ledger({}, { retention_policy: 'special_category' });
    expect((await records())[0]).toMatchObject({ retention_policy: 'special_category' });
  }),
  differs('B46', 'what data crosses a border', async () => {
    answered('Cross-border transfers');
    const chain: Chain = { name: 'abroad', links: [], storages: [{ name: 's3_us', save: () => {} }] };
    const { records } = await ledger({ chain });
    expect(await records()).toContainEqual(
      expect.objectContaining({ event: 'storage_complete', step: 's3_us', vcon_uuid: UUID }),
    );
  }),
];
