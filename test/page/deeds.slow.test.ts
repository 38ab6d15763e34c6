import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { checkProof, generateKey, KeyStore, parseVerifierKey, signerOf } from '../../src/ledger/index.ts';
import { DeliveryError } from '../../src/model/delivery-error.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { describeInChromium, obstacles, openPage } from './chromium.ts';
import { get, ledgerTracer, openRun, soon, start, TOKEN, UUID } from './started.ts';

/** A service that has a vCon's records in its ledger, all of them signed. */
async function startWithRecords(admin: Parameters<typeof start>[1] = {}, headers = {}) {
  const directory = join(temporaryFolder(), 'ledger');
  const service = await start({ tracers: { trail: ledgerTracer(directory) } }, admin);
  await openRun().end();
  await soon(async () => {
    const { ledgers } = await get(`${service.adminUrl}/api/records?uuid=${UUID}`, headers);
    expect(ledgers[0].bundle).toMatchObject({ records: { length: 4 }, unsigned: 0 });
  });
  return { url: service.adminUrl, directory };
}

async function enter(page: Page): Promise<void> {
  await page.getByLabel('Token').fill(TOKEN);
  await page.getByRole('button', { name: 'Enter' }).click();
}

describeInChromium('what the page proves', () => {
  test('a vCon’s records are verified in the browser, by the key that somebody puts there', async () => {
    const { url } = await startWithRecords();
    const page = await openPage(`${url}/#/vcon/${UUID}`);
    const verify = page.getByRole('button', { name: 'Verify', exact: true });
    await verify.click();
    await page.getByText('4 records are in the ledger of 4 records').waitFor();
    expect(await page.locator('.records').getByText('in the tree').count()).toBe(4);
    expect(await obstacles(page)).toEqual([]);
    const other = signerOf('another.example/ledger', generateKey());
    await page.getByLabel(/^Verifier keys/).fill(other.vkey);
    await verify.click();
    await page.getByText('refused: the checkpoint is not signed by this key').waitFor();
  });

  test('a record that was changed on its way is refused, and so is another checkpoint', async () => {
    const { url } = await startWithRecords();
    const forge = { by: (body: string) => body };
    const page = await openPage('about:blank');
    await page.route('**/api/records?*', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: forge.by(await response.text()) });
    });
    for (const [change, refusal] of [
      [(body: string) => body.replace('link_complete', 'chain_complete'), 'refused: 1 of 4 records'],
      [(body: string) => body.replace(/("proof":\["[A-Za-z0-9+/]{5})./, '$1_'), 'refused'],
      [
        (body: string) => body.replace(String.raw`\n4\n`, String.raw`\n5\n`),
        'refused: the checkpoint has a signature of this key that is none',
      ],
    ] as const) {
      forge.by = (body) => {
        expect(change(body)).not.toBe(body);
        return change(body);
      };
      await page.goto('about:blank');
      await page.goto(`${url}/#/vcon/${UUID}`);
      await page.getByRole('button', { name: 'Verify', exact: true }).click();
      await page.getByText(refusal).waitFor();
    }
  });

  test('a downloaded bundle proves without the page, and a key that was destroyed is told', async () => {
    const { url, directory } = await startWithRecords();
    new KeyStore(directory).destroy(UUID);
    const page = await openPage(`${url}/#/vcon/${UUID}`);
    await page.getByText('its key was destroyed').waitFor();
    await page.getByRole('button', { name: 'Download proof' }).click();
    const dialog = page.getByRole('dialog', { name: 'Download a proof bundle' });
    await dialog.getByLabel(/Who are you/).fill('Ada');
    expect(await obstacles(page)).toEqual([]);
    const downloading = page.waitForEvent('download');
    await dialog.getByRole('button', { name: 'Download' }).click();
    const bundle = readFileSync(await (await downloading).path(), 'utf8');
    const key = readFileSync(join(directory, 'ledger.vkey'), 'utf8').trim();
    expect(checkProof(bundle, [parseVerifierKey(key)])).toMatchObject({ verdict: 'proven', records: 4 });
    await dialog.getByText('The bundle is downloaded.').waitFor();
  });

  test('a page that came over plain HTTP from elsewhere says why it cannot verify', async () => {
    const admin = { token: TOKEN, allowed_hosts: ['page.test'] };
    const { url } = await startWithRecords(admin, { authorization: `Bearer ${TOKEN}` });
    const page = await openPage(`http://page.test:${new URL(url).port}/#/vcon/${UUID}`);
    await enter(page);
    await page.getByText('so the browser has no WebCrypto').waitFor();
    expect(await page.getByRole('button', { name: 'Verify', exact: true }).isDisabled()).toBe(true);
    expect(await obstacles(page)).toEqual([]);
  });

  test('a ledger is verified when somebody asks for it', async () => {
    const { url } = await startWithRecords();
    const page = await openPage(`${url}/#/ledger`);
    await page.getByText('Not verified from here since the service started').waitFor();
    await page.getByRole('button', { name: 'Verify now' }).click();
    await page.getByText('✓ intact').waitFor();
    expect(await obstacles(page)).toEqual([]);
  });
});

describeInChromium('what can be done on the page', () => {
  test('dead letters are shown with their reasons, and retried once that is confirmed', async () => {
    const heard: string[] = [];
    const mine = { isDown: true };
    const folder = temporaryFolder();
    const module = {
      trace(_uuid: string, event: string) {
        if (mine.isDown) throw new DeliveryError('it is refused', { permanent: true });
        heard.push(event);
      },
    };
    const service = await start(
      { journal: { type: 'sqlite', path: join(folder, 'journal.db') }, tracers: { mine: { module } } },
      { token: TOKEN, actions: true },
    );
    await openRun().end();
    const page = await openPage(`${service.adminUrl}/#/tracers`);
    await enter(page);
    const letters = page.getByRole('group', { name: 'Dead letters of mine' }).locator('tbody tr');
    await letters.nth(3).waitFor();
    await letters.first().getByText('DeliveryError').waitFor();
    expect(await obstacles(page)).toEqual([]);
    mine.isDown = false;
    await page.getByRole('button', { name: 'Retry chain_complete' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Retry' }).click();
    // Nobody has said who they are.
    expect(heard).toEqual([]);
    await dialog.getByLabel(/Who are you/).fill('Ada');
    expect(await obstacles(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Retry' }).click();
    await dialog.getByText('1 event queued again.').waitFor();
    await soon(() => expect(heard).toEqual(['chain_complete']));
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Skip all' }).click();
    // Who they are is remembered while the page is there.
    await dialog.getByRole('button', { name: 'Skip' }).click();
    await dialog.getByText('3 events skipped.').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Replay events to mine' }).click();
    await dialog.getByText('4 events would be heard again').waitFor();
    await dialog.getByLabel('only of the vCon').fill(UUID);
    await dialog.getByRole('button', { name: 'Replay' }).click();
    await dialog.getByText('4 events are queued for mine.').waitFor();
    await soon(() => expect(heard).toHaveLength(5));
  });
});
