import type { IncomingMessage } from 'node:http';
import { pathOf } from '../incoming/addressed.ts';
import {
  type PageAnswer,
  refusal,
  type ServerAnswer,
  type SmallServer,
  type SmallServerAddress,
  startSmallServer,
} from '../incoming/small-server.ts';
import { ThrottledLog } from '../model/throttled-log.ts';

/** Answers `GET` and `HEAD` of one path. */
export type PageHandler = () => PageAnswer | Promise<PageAnswer>;

/** What else there is beside the pages: it has its own addresses and its own way to let somebody in. */
export interface Site {
  /** Undefined: it has no such address. */
  answer(request: IncomingMessage): ServerAnswer | Promise<ServerAnswer> | undefined;
  /** Whether it lets in a request that presents no token. @param token what would have to be presented */
  letsIn(request: IncomingMessage, token: string): boolean;
  /** Connections that it needs beside the others, and those of one peer. */
  readonly limits: { readonly connections: number; readonly ofPeer: number };
}

/** Where it listens, and who may come in. */
export type AdminAddress = SmallServerAddress;

/** What code passes to {@link startAdminServer}. */
export interface AdminServerSettings extends AdminAddress {
  /** The key of the configuration that asks for the server, for errors. */
  readonly path: string;
  /** By path, as `/healthz`. */
  readonly pages: Readonly<Record<string, PageHandler>>;
  /** Is asked for what none of them is. */
  readonly site?: Site | undefined;
}

/** A running server: the pages lie under its url. */
export type AdminServer = SmallServer;

/**
 * Serves pages to operators and their programs: health, metrics. Nobody sends its pages a body that is read.
 * @throws VconOtelError `ADDRESS_UNAVAILABLE`
 */
export function startAdminServer({ pages, site, ...settings }: AdminServerSettings): Promise<AdminServer> {
  return startSmallServer({
    ...settings,
    log,
    answer: (request) => site?.answer(request) ?? answer(request, pages),
    letsIn: site && ((request, token) => site.letsIn(request, token)),
    limits: site?.limits,
  });
}

const log = new ThrottledLog('vcon-otel/admin');

function answer(
  request: IncomingMessage,
  pages: AdminServerSettings['pages'],
): PageAnswer | Promise<PageAnswer> {
  const { method } = request;
  const path = pathOf(request);
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (!page) return refusal(404, `only ${Object.keys(pages).join(', ')}`);
  if (method !== 'GET' && method !== 'HEAD') return refusal(405, 'only GET', { allow: 'GET, HEAD' });
  return page();
}
