import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '../../src/config/load-config.ts';
import { traceChain } from '../../src/index.ts';
import { startService } from '../../src/service/service.ts';
import { startVconOtel } from '../cli/command-line.ts';
import { runInProcess } from '../cli/in-process.ts';
import { freePort } from '../support/server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeInChromium, obstacles, openPage } from './chromium.ts';
import { ledgerTracer, start } from './started.ts';

const UUID = '0191e5a0-7c4f-8f6e-8b6a-3c1d2e4f5a6b';

/** The demo that shows its traffic on a page, until the test is over. */
async function startDemo(): Promise<string> {
  const demo = startVconOtel(['demo', '--open', '--out', join(temporaryFolder(), 'out')]);
  let said = '';
  demo.child.stdout?.on('data', (text: string) => {
    said += text;
  });
  onTestFinished(async () => {
    demo.child.kill('SIGTERM');
    expect((await demo.ended).code).toBe(0);
    expect(said).toMatch(/\n[1-9]\d* runs?; what they left is in \S+out\n$/);
  });
  await demo.printed('Ctrl-C ends it');
  return /http:\S+/.exec(said)?.[0] ?? '';
}

async function startPage(port: number, token?: string) {
  const journal = join(temporaryFolder(), 'journal.db');
  const start = () =>
    startService(
      parseConfig(
        {
          log_level: 'error',
          admin: { port, ...(token && { token }) },
          journal: { type: 'sqlite', path: journal },
        },
        {},
      ),
    );
  let service = await start();
  onTestFinished(() => service.shutdown());
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => service.shutdown(),
    async again() {
      service = await start();
    },
  };
}

function openRun(chain: string) {
  const end = Promise.withResolvers<string>();
  const ended = traceChain({ name: chain, links: ['tag'] }, UUID, (run) =>
    run.link('tag', () => end.promise),
  );
  return async () => {
    end.resolve(UUID);
    await ended;
  };
}

describeInChromium('the page in a browser', () => {
  test('runs of the demo are seen as they go on, and each leads to its waterfall and its vCon', async () => {
    const url = await startDemo();
    const page = await openPage(url);
    const running = page.locator('[aria-labelledby="running-title"] .run-row');
    await running.first().waitFor();
    const ended = page.locator('[aria-labelledby="ended-title"] .run-row', { hasText: 'complete' });
    await ended.first().click();
    await page.locator('.waterfall .step-row').first().waitFor();
    await page
      .getByRole('table')
      .getByRole('row', { name: /^compliance/ })
      .waitFor();
    await page.locator('.step-row', { hasText: 'link' }).first().click();
    await page.getByRole('group', { name: 'What tracers heard of this step' }).waitFor();
    await page.locator('.facts a').first().click();
    await page.getByRole('heading', { name: /^vCon/ }).waitFor();
    await page.locator('.run-row').first().waitFor();
  });

  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [360, 1280])
      test(`nothing keeps people from using any view, ${colorScheme} and ${width} px wide`, async () => {
        const url = await startDemo();
        const page = await openPage(url, { colorScheme, viewport: { width, height: 800 } });
        await page.locator('[aria-labelledby="ended-title"] .run-row').nth(3).waitFor();
        const run = await page
          .locator('[aria-labelledby="ended-title"] .run-row')
          .first()
          .getAttribute('href');
        expect(await obstacles(page)).toEqual([]);
        for (const [view, sign] of [
          [run, '.step-row'],
          ['#/tracers', '.tracers tbody tr'],
          ['#/search?outcome=complete', '.run-row'],
        ] as const) {
          await page.goto(`${url}/${view}`);
          await page.locator(sign).first().waitFor();
          expect([view, await obstacles(page)]).toEqual([view, []]);
          expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
        }
      });

  test('a service that is gone is told, and seen again when it is back', async () => {
    const service = await startPage(await freePort());
    const page = await openPage(service.url);
    await page.getByText('No run is under way').waitFor();
    const end = openRun('before');
    await page.locator('.run-row', { hasText: 'before' }).waitFor();
    await end();
    await service.stop();
    await page.getByText('cut off, trying again').waitFor();
    await service.again();
    await page.locator('.connection.live').waitFor();
    const endOther = openRun('after');
    await page.locator('.run-row', { hasText: 'after' }).waitFor();
    await endOther();
  });

  test('with a token it asks for it, keeps it from scripts and addresses, and stays open after a restart', async () => {
    const token = 'a-long-and-secret-token';
    const service = await startPage(await freePort(), token);
    const page = await openPage(`${service.url}/#/tracers`);
    await page.getByLabel('Token').fill('another');
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByText('This is not the token.').waitFor();
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByText('The configuration names no tracer').waitFor();
    expect(page.url()).toBe(`${service.url}/#/tracers`);
    expect(
      await page.evaluate('document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })'),
    ).toBe('{}');
    await service.stop();
    await service.again();
    await page.reload();
    await page.locator('.connection.live').waitFor();
  });

  test('an address that was cut short is told from one that leads somewhere', async () => {
    const service = await startPage(await freePort());
    const page = await openPage(`${service.url}/#/vcon/0191e5a0%`);
    await page.getByText('uuid: this is not the uuid of a vCon').waitFor();
  });

  test('a proof holds for what was shown when it was checked, also where the key of the ledger is changed meanwhile', async () => {
    const directory = join(temporaryFolder(), 'ledger');
    const service = await start({ tracers: { trail: ledgerTracer(directory) } });
    await openRun('before')();
    const page = await openPage(`${service.adminUrl}/#/vcon/${UUID}`);
    const see = async (records: number, keys: number) => {
      await expect
        .poll(async () => {
          await page.getByRole('button', { name: 'Look again' }).click();
          return [
            await page.locator('.records tbody tr').count(),
            (await page.getByRole('textbox', { name: 'Verifier keys' }).inputValue()).split('\n').length,
          ];
        })
        .toEqual([records, keys]);
      expect(await page.locator('.verified').count()).toBe(0);
      await page.getByRole('button', { name: 'Verify' }).click();
      await page.getByText(`${records} records are in the ledger`).waitFor();
    };
    await see(4, 1);
    const change = ['audit', 'rotate-key', directory, '--reason', 'yearly', '--actor', 'A. Reader'];
    expect((await runInProcess(change)).code).toBe(0);
    // Its first checkpoint has both signatures.
    await see(4, 2);
    await openRun('after')();
    await see(8, 1);
  });

  test('everything can be reached by keys', async () => {
    const service = await startPage(await freePort());
    for (const chain of ['first', 'second', 'third']) await openRun(chain)();
    const page = await openPage(service.url);
    await page.locator('.run-row').nth(2).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    for (const key of ['j', 'j', 'k', 'j']) await page.keyboard.press(key);
    expect(await page.evaluate('document.activeElement?.textContent')).toContain('second');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'second' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type(`${UUID}\n`);
    await page.getByRole('heading', { name: `vCon ${UUID}` }).waitFor();
    await page.keyboard.press('t');
    await page.getByText('The configuration names no tracer').waitFor();
  });

  test('of a thousand runs under way only those in sight are in the document', async () => {
    const service = await startPage(await freePort());
    const page = await openPage(service.url);
    const ends = Array.from({ length: 1_000 }, (_, index) => openRun(`chain ${index}`));
    await page.locator('.figure', { hasText: 'running' }).getByText('1,000').waitFor();
    expect(await page.locator('.runs li').count()).toBeLessThan(80);
    await page.evaluate('scrollTo(0, document.querySelector(".runs").getBoundingClientRect().bottom - 800)');
    await page.locator('.run-row', { hasText: 'chain 999' }).waitFor();
    await Promise.all(ends.map((end) => end()));
    await page.getByText('No run is under way').waitFor();
  });
});
