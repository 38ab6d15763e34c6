import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { memoryVconStore } from '../../vcon-store/index.ts';
import type { Terminal } from '../terminal.ts';
import { configFor, filesIn } from './demo-config.ts';
import { makeDemoFolder } from './demo-folder.ts';
import { openBrowser } from './open-browser.ts';
import { DemoProgress } from './progress.ts';

/** What {@link demoOnPage} needs. */
export interface OnPageSettings {
  /** Folder of vCon files. */
  readonly vcons: string;
  /** Where files go: in a folder of this one that is its own, and is emptied. */
  readonly out: string;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: Terminal;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Bytes of these files after which it begins anew, and milliseconds between two looks at them. */
  readonly limit?: number;
  readonly look?: number;
}

/** Where the page is, if nobody else is there. */
const PAGE = { host: '127.0.0.1', port: 4419 } as const;
/** Documents that are in memory: vCons in the chains, and the copies made of them. */
const MAX_VCONS = 64;
const LINE_INTERVAL = 60_000;
/** Some two hours of traffic. */
const LIMIT = 256 * 2 ** 20;
const LOOK = 60_000;

/**
 * Runs vCons again and again, at the pace of real services, and shows it on a page, until it is told to end. What that leaves on the disk is
 * bounded: when it is too much, the service ends, and another begins at the same address with an empty folder.
 * @throws VconOtelError `FILE_UNUSABLE` if the folder cannot be used or holds no vCon
 */
export async function demoOnPage(settings: OnPageSettings): Promise<void> {
  const { out, stdout, stderr, signal, limit = LIMIT, look = LOOK } = settings;
  const folder = join(out, 'live');
  const progress = new DemoProgress(stderr, { interval: LINE_INTERVAL });
  const { listenObstacle } = await import('../../outgoing/own-address.ts');
  let port = (await listenObstacle(PAGE)) === undefined ? PAGE.port : 0;
  let isFirst = true;
  try {
    while (!signal.aborted) {
      rmSync(folder, { recursive: true, force: true });
      makeDemoFolder(folder);
      const full = new AbortController();
      const looking = setInterval(() => {
        if (bytesIn(folder) > limit) full.abort();
      }, look).unref();
      const began = (url: string) => {
        port = Number(new URL(url).port);
        if (!isFirst) return;
        isFirst = false;
        stdout.write(`What the chains do now: ${url}\nCtrl-C ends it.\n`);
        if (stderr.isTTY) openBrowser(url);
      };
      try {
        await untilAborted(
          folder,
          port,
          progress,
          { ...settings, signal: AbortSignal.any([signal, full.signal]) },
          began,
        );
      } finally {
        clearInterval(looking);
      }
    }
  } finally {
    progress.end();
  }
}

async function untilAborted(
  folder: string,
  port: number,
  progress: DemoProgress,
  { vcons: files, signal }: OnPageSettings,
  began: (url: string) => void,
): Promise<void> {
  const [{ demoChains }, { livelyPace }, { livelyTraffic }, { startService }] = await Promise.all([
    import('./chains.ts'),
    import('./pace.ts'),
    import('./lively.ts'),
    import('../../service/service.ts'),
  ]);
  const chains = demoChains({ directory: folder, pace: livelyPace });
  const vcons = memoryVconStore({ maxVcons: MAX_VCONS });
  const tracing = await startService(configFor(chains, filesIn(folder), { ...PAGE, port }), { vcons });
  if (tracing.adminUrl !== undefined) began(tracing.adminUrl);
  try {
    await livelyTraffic({ folder: files, chains, vcons, progress, signal });
  } finally {
    await tracing.shutdown();
    chains.close();
  }
}

/** What the files of a folder hold, some of which may go meanwhile. */
function bytesIn(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    bytes += lstatSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}
