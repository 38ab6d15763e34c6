import type { LookupFunction } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { guardedConnect } from './guarded-connect.ts';

/** Connections to one or more services, kept for further requests. */
export interface Connections {
  /** One request, as undici makes it; redirects are answers. */
  request(
    url: URL,
    options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>,
  ): Promise<Dispatcher.ResponseData>;
  /** Ends the requests under way. Safe twice. */
  close(): Promise<void>;
}

/** Connections to one host; further requests wait for a free one, within their own deadline. */
const MAX_CONNECTIONS = 256;

/** Opens connections as they are needed. The parameters are those of {@link guardedConnect}. */
export function openConnections(
  allowed: readonly string[],
  lookup: LookupFunction,
  timeout: number,
): Connections {
  const agent = new Agent({
    connect: guardedConnect(allowed, lookup, timeout),
    connections: MAX_CONNECTIONS,
  });
  return {
    request: (url, options) => request(url, { ...options, dispatcher: agent }),
    close: () => agent.destroy(),
  };
}
