/**
 * What the page costs: how long after an event its run is on the screen, in a real Chromium; how much scripting a frame takes with 1,000 runs under way;
 * and what 100 viewers cost the service at the pace of a busy conserver.
 */
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { CHAIN } from './conserver-load.ts';
import { ownFolder } from './disk.ts';
import { FactFeed, play } from './feed.ts';
import { grouped, median, printTable, quantile, SHORT } from './measure.ts';
import { hasRedis, startRedis } from './redis.ts';
import { STREAM, startProgram } from './served.ts';

const CHROMIUM = '/usr/bin/chromium';
const BIN = join(import.meta.dirname, '..', 'bin', 'vcon-otel.js');
/** Events whose way to the screen is timed, and milliseconds between two. */
const EVENTS = SHORT ? 3 : 60;
const PAUSE = 350;
/** Runs under way; seconds for which frames are looked at; and of these runs, how many have a new step each second. */
const UNDER_WAY = SHORT ? 50 : 1_000;
const SECONDS = SHORT ? 2 : 15;
const STEPS_A_SECOND = UNDER_WAY / 10;
/** Facts until a run's first link is under way. */
const BEGUN = 3;
const VIEWERS = 100;
const RUNS_PER_SECOND = 278;
const ROUNDS = SHORT ? 1 : 3;

if (!hasRedis()) console.log('\nThe page needs redis-server: not measured');
else await report();

async function report(): Promise<void> {
  const folder = mkdtempSync(join(ownFolder(), 'page-'));
  const redis = await startRedis(folder, 'everysec');
  const redisUrl = `redis://127.0.0.1:${redis.port}`;
  const feed = new FactFeed(redisUrl);
  const service = await serve(folder, redisUrl);
  await feed.begin();
  try {
    if (existsSync(CHROMIUM)) await onScreen(service.url, feed);
    else console.log('\nThe page needs /usr/bin/chromium: what is on the screen is not measured');
    await viewed(service, feed);
  } finally {
    feed.close();
    await service.stop();
    await redis.stop();
  }
}

async function serve(folder: string, redisUrl: string) {
  const file = join(folder, 'config.yml');
  const config = {
    log_level: 'error',
    chains: { [CHAIN.name]: { links: CHAIN.links, storages: CHAIN.storages } },
    receivers: { redis_stream: { url: redisUrl, stream: STREAM } },
    vcon_store: { type: 'memory' },
    journal: { type: 'sqlite', path: join(folder, 'journal.db') },
    admin: { port: 0 },
  };
  writeFileSync(file, JSON.stringify(config));
  const { child, threads, stop } = startProgram([process.execPath, BIN, 'serve', file]);
  let url = '';
  if (child.stdout)
    for await (const line of createInterface({ input: child.stdout })) {
      url = /page +(http\S+)/.exec(line)?.[1] ?? url;
      if (url !== '') break;
    }
  child.stdout?.resume();
  return { url, threads, stop };
}

async function onScreen(url: string, feed: FactFeed): Promise<void> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const page = await open(browser, url);
    const took = await untilSeen(page, feed);
    printTable(`From the fact to the document (${grouped(EVENTS)} runs that begin)`, [
      ['', 'median', 'p95', 'longest', 'load'],
      [
        '',
        ...[median(took), quantile(took, 0.95), Math.max(...took)].map((ms) => `${ms.toFixed(0)} ms`),
        load(),
      ],
    ]);
    const { scripting, frames, longest } = await scripted(page, feed);
    printTable(
      `Scripting with ${grouped(UNDER_WAY)} runs under way, ${grouped(STEPS_A_SECOND)} steps a second`,
      [
        ['', 'each frame that changes', 'frames a second', 'longest task', 'load'],
        [
          ...['', `${((scripting * 1e3) / frames).toFixed(1)} ms`, (frames / SECONDS).toFixed(1)],
          ...[`${longest.toFixed(0)} ms`, load()],
        ],
      ],
    );
  } finally {
    await browser.close();
  }
}

async function open(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage({ bypassCSP: true, viewport: { width: 1280, height: 900 } });
  await page.goto(url);
  await page.locator('.connection.live').waitFor();
  return page;
}

/** Milliseconds from handing a run's first fact to Redis until its row is in the document, by the clock that both have. */
async function untilSeen(page: Page, feed: FactFeed): Promise<number[]> {
  await page.evaluate(`
    globalThis.seen = new Map();
    new MutationObserver(() => {
      for (const { href } of document.querySelectorAll('[aria-labelledby="running-title"] .run-row'))
        if (!seen.has(href)) seen.set(href, Date.now());
    }).observe(document.body, { subtree: true, childList: true });
  `);
  const took: number[] = [];
  for (let event = 0; event < EVENTS; event += 1) {
    const run = feed.run();
    const before = Number(await page.evaluate('seen.size'));
    const began = Date.now();
    await feed.add(Array.from({ length: BEGUN }, () => run.next().value ?? ''));
    await page.waitForFunction(`seen.size > ${before}`);
    took.push(Number(await page.evaluate('[...seen.values()].at(-1)')) - began);
    await feed.add([...run]);
    // Not in step with the beat of the feed.
    await wait(PAUSE + Math.random() * PAUSE);
  }
  return took;
}

/** Seconds of processor time of scripting, so that others do not count, and how many frames changed something. */
async function scripted(page: Page, feed: FactFeed) {
  const runs = Array.from({ length: UNDER_WAY }, () => feed.run());
  await feed.add(runs.flatMap((run) => Array.from({ length: BEGUN }, () => run.next().value ?? '')));
  await page.locator('.figure', { hasText: 'running' }).getByText(grouped(UNDER_WAY)).waitFor();
  await page.evaluate(`
    globalThis.changedFrames = 0;
    globalThis.longest = 0;
    let frame = 0;
    let last = -1;
    const next = () => { frame += 1; requestAnimationFrame(next); };
    next();
    new MutationObserver(() => {
      if (frame !== last) changedFrames += 1;
      last = frame;
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
    }).observe({ type: 'longtask' });
  `);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const scripting = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? Number.NaN;
  };
  const before = await scripting();
  const ending = performance.now() + SECONDS * 1e3;
  for (let at = 0; performance.now() < ending; at += STEPS_A_SECOND / 10) {
    const some = Array.from({ length: STEPS_A_SECOND / 10 }, (_, i) => runs[(at + i) % runs.length]);
    await feed.add(some.flatMap((run) => run?.next().value ?? []));
    await wait(100);
  }
  const spent = (await scripting()) - before;
  const [frames, longest] = (await page.evaluate('[changedFrames, longest]')) as [number, number];
  await feed.add(runs.flatMap((run) => [...run]));
  return { scripting: spent, frames, longest };
}

/** What the service costs while nobody looks, and while many do, by turns. */
async function viewed({ url, threads }: Awaited<ReturnType<typeof serve>>, feed: FactFeed): Promise<void> {
  const rows: string[][] = [];
  const differences: number[] = [];
  await play(RUNS_PER_SECOND, SECONDS, feed, async () => undefined);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const alone = await share(threads, feed);
    const viewers = await Promise.all(Array.from({ length: VIEWERS }, (_, n) => view(url, n % 2)));
    const shared = await share(threads, feed);
    for (const viewer of viewers) viewer.destroy();
    differences.push(shared.core - alone.core);
    rows.push([
      ...[`round ${round}`, percent(alone.core), percent(shared.core), percent(shared.core - alone.core)],
      ...[`${alone.pace.toFixed(0)}, ${shared.pace.toFixed(0)}`, load()],
    ]);
  }
  printTable(`The service at ${RUNS_PER_SECOND} runs a second, of a core`, [
    ['', 'nobody looks', `${VIEWERS} viewers`, 'difference', 'runs a second', 'load'],
    ...rows,
    ['median', '', '', percent(median(differences)), '', ''],
  ]);
}

/** How much of a core it took, and the pace that was reached: where the machine is busy, less than was meant. */
async function share(threads: () => ReadonlyMap<string, number>, feed: FactFeed) {
  const total = () => [...threads().values()].reduce((all, spent) => all + spent, 0);
  const [began, before] = [performance.now(), total()];
  const runs = await play(RUNS_PER_SECOND, SECONDS, feed, async () => undefined);
  const took = performance.now() - began;
  return { core: (total() - before) / 1e3 / took, pace: (runs * 1e3) / took };
}

/** @param peer which of two looks: one may not take every place */
function view(url: string, peer: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) =>
    get(`${url}/api/feed`, { agent: false, localAddress: `127.0.0.${1 + peer}` }, (response) => {
      response.on('error', () => undefined);
      resolve(response.resume());
    }).once('error', reject),
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function load(): string {
  return (loadavg()[0] ?? Number.NaN).toFixed(1);
}
