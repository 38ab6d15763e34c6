import type { PageAnswer } from '../incoming/small-server.ts';
import type { PageHandler } from './admin-server.ts';

/** Whether the service does what it is there for, and what there is to say about it (numbers and words of ours only). */
export interface Readiness {
  readonly ready: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

/** `/healthz` (200 as long as the process runs) and `/readyz` (200 or 503), in JSON. */
export function healthPages(
  readiness: () => Readiness,
): Readonly<Record<'/healthz' | '/readyz', PageHandler>> {
  return {
    '/healthz': () => json(200, { status: 'ok' }),
    '/readyz': () => {
      const { ready, details } = readiness();
      return json(ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', ...details });
    },
  };
}

function json(status: number, body: Readonly<Record<string, unknown>>): PageAnswer {
  return { status, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}
