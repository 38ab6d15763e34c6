import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, expect, onTestFinished } from 'vitest';
import { describeWith } from '../support/server.ts';

const CHROMIUM = '/usr/bin/chromium';
/** Milliseconds to wait for what is to be seen. */
const PATIENCE = 120_000;

/** Tests that need Debian's Chromium. */
export function describeInChromium(name: string, body: () => void): void {
  const missing = existsSync(CHROMIUM) ? undefined : 'apt-get install chromium';
  describeWith('chromium', missing, name, body);
}

let browser: Promise<Browser> | undefined;
afterAll(async () => (await browser)?.close());

/** Opens a page; what a test leaves open is closed, and an error on it fails the test. */
export async function openPage(url: string, settings: BrowserContextOptions = {}): Promise<Page> {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  const context = await (await browser).newContext(settings);
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  // A refused connection is the browser's to tell, and part of what is tested.
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      errors.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(errors).toEqual([]);
  });
  await page.goto(url);
  return page;
}

/** What keeps people from using a page, by axe-core: rules, and where they are broken. */
export async function obstacles(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: it has just been put there.
    const { violations } = await (globalThis as any).axe.run();
    return violations.flatMap(({ id, nodes }: { id: string; nodes: { target: string[] }[] }) =>
      nodes.map(({ target }) => `${id}: ${target.join(' ')}`),
    );
  });
}
