import type { IncomingMessage } from 'node:http';
import type { Site } from '../admin/admin-server.ts';
import { pathOf } from '../incoming/addressed.ts';
import { refusal, type ServerAnswer } from '../incoming/small-server.ts';
import type { Clock } from '../model/clock.ts';
import type { RunObserver } from '../model/run.ts';
import { answerApi } from './api.ts';
import { feedSource } from './feed-source.ts';
import { Ledgers } from './ledgers.ts';
import { Feed } from './live/feed.ts';
import { LiveRuns } from './live/live-runs.ts';
import { VconFeeds } from './live/vcon-feeds.ts';
import { MAX_VIEWERS } from './live/viewer-places.ts';
import type { PageSources } from './page-sources.ts';
import { Past } from './past/past.ts';
import { hasSession } from './session.ts';
import { StaticFiles } from './static-files.ts';
import { UsualDurations } from './usual-durations.ts';

/** A page that shows what chains do, and what it is made of. */
export interface LivePage {
  /** Serves it. */
  readonly site: Site;
  /** Is to be shown every run while it grows. */
  readonly observer: RunObserver;
  /** Has everybody who looks come in once more, since it is others who may. */
  dismiss(): void;
  /** Ends what is sent, so that the server can close. Safe twice. */
  close(): Promise<void>;
}

/** Makes the page of a service. Until somebody looks, it counts runs and nothing else. */
export function createPage(sources: PageSources, clock: Clock): LivePage {
  const runs = new LiveRuns(clock);
  const past = new Past(sources.journal, clock);
  const source = feedSource(runs, sources, clock);
  const usual = new UsualDurations(runs, past, clock);
  const watch = () => {
    source.watch();
    usual.learn();
  };
  const feed = new Feed({ ...source, watch }, clock);
  const vcons = new VconFeeds(runs, clock);
  const ledgers = new Ledgers(sources, past, clock);
  const files = new StaticFiles();
  const parts = { sources, runs, feed, vcons, past, ledgers };
  return {
    observer: runs,
    site: {
      answer: (request) => answer(request, files, parts),
      // The page itself is no secret, and asks for the token.
      letsIn: (request, token) => isOfPage(pathOf(request)) || hasSession(request, token),
      // Many may look through one proxy.
      limits: { connections: 100 + 3 * MAX_VIEWERS, ofPeer: 25 + 2 * MAX_VIEWERS },
    },
    dismiss() {
      feed.dismiss();
      vcons.dismiss();
    },
    async close() {
      feed.close();
      vcons.close();
      await Promise.all([past.close(), ledgers.close()]);
    },
  };
}

function answer(
  request: IncomingMessage,
  files: StaticFiles,
  parts: Parameters<typeof answerApi>[1],
): Promise<ServerAnswer> | undefined {
  const path = pathOf(request);
  if (path.startsWith('/api/')) return answerApi(request, parts);
  if (!isOfPage(path)) return undefined;
  return fileOr404(path, request, files);
}

async function fileOr404(path: string, request: IncomingMessage, files: StaticFiles): Promise<ServerAnswer> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refusal(405, 'only GET', { allow: 'GET, HEAD' });
  return (await files.answer(path, request)) ?? refusal(404, 'the page has no such file');
}

function isOfPage(path: string): boolean {
  return path === '/' || path.startsWith('/page/');
}
