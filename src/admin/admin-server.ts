import type { IncomingMessage } from 'node:http';
import {
  type PageAnswer,
  refusal,
  type SmallServer,
  type SmallServerAddress,
  startSmallServer,
} from '../incoming/small-server.ts';
import { ThrottledLog } from '../model/throttled-log.ts';

/** Answers `GET` and `HEAD` of one path. */
export type PageHandler = () => PageAnswer | Promise<PageAnswer>;

/** Where it listens, and who may come in. */
export type AdminAddress = SmallServerAddress;

/** What code passes to {@link startAdminServer}. */
export interface AdminServerSettings extends AdminAddress {
  /** The key of the configuration that asks for the server, for errors. */
  readonly path: string;
  /** By path, as `/healthz`. */
  readonly pages: Readonly<Record<string, PageHandler>>;
}

/** A running server: the pages lie under its url. */
export type AdminServer = SmallServer;

/**
 * Serves pages to operators and their programs: health, metrics. Nobody sends it a body that is read.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`
 */
export function startAdminServer({ pages, ...settings }: AdminServerSettings): Promise<AdminServer> {
  return startSmallServer({ ...settings, log, answer: (request) => answer(request, pages) });
}

const log = new ThrottledLog('vcon-otel/admin');

function answer(
  { url = '', method }: IncomingMessage,
  pages: AdminServerSettings['pages'],
): PageAnswer | Promise<PageAnswer> {
  const [path = ''] = url.split('?', 1);
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (!page) return refusal(404, `only ${Object.keys(pages).join(', ')}`);
  if (method !== 'GET' && method !== 'HEAD') return refusal(405, 'only GET', { allow: 'GET, HEAD' });
  return page();
}
