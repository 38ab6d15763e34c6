import { isValidTraceId } from '@opentelemetry/api';
import { createSupportsHyperlinks } from 'supports-hyperlinks';
import { z } from 'zod';
import { httpUrl } from '../model/options/values.ts';
import { ConfigError } from './config-error.ts';
import type { Env } from './interpolate.ts';

/** The URL of the page that shows a trace, in visible ASCII; undefined for what is no trace id (W3C Trace Context, §3.2.2.3). */
export type TracePage = (traceId: string) => string | undefined;

/**
 * Where to find traces, as `VCON_OTEL_TRACE_URL` says: the URL of a page in Jaeger, Grafana or the like, with `{traceId}` in it. It
 * is no key of the configuration, since it depends on where somebody sits, and files of spans are drawn without a configuration.
 * @returns undefined where the variable is unset or empty, or the stream shows no hyperlinks. `FORCE_HYPERLINK` decides that (`0`
 * means no); without it, `NO_COLOR` means none, and it has to be a terminal that is known to have them.
 * @throws ConfigError `CONFIG_INVALID` for a bad template, which is not quoted, whatever the stream
 */
export function tracePageFromEnvironment(
  stream: { readonly isTTY?: boolean },
  env: Env = process.env,
): TracePage | undefined {
  const page = tracePageOf(env);
  if (env.NO_COLOR && !env.FORCE_HYPERLINK) return undefined;
  return createSupportsHyperlinks(stream) ? page : undefined;
}

/**
 * As {@link tracePageFromEnvironment}, for what shows hyperlinks in any case.
 * @throws ConfigError `CONFIG_INVALID`
 */
export function tracePageOf(env: Env = process.env): TracePage | undefined {
  const template = env[VARIABLE];
  if (!template) return undefined;
  const fault = faultOf(template);
  if (fault !== undefined) throw new ConfigError('CONFIG_INVALID', [{ path: VARIABLE, message: fault }]);
  return tracePageAt(template);
}

/** The page that a template leads to. @param template a {@link traceTemplate} */
export function tracePageAt(template: string): TracePage {
  return (traceId) => (isValidTraceId(traceId) ? pageOf(template, traceId).href : undefined);
}

/** The URL of a page that shows a trace, with `{traceId}` in it. */
export const traceTemplate: z.ZodString = z
  .string()
  .refine((template) => faultOf(template) === undefined, { error: ({ input }) => faultOf(String(input)) });

const VARIABLE = 'VCON_OTEL_TRACE_URL';
const PLACE = '{traceId}';
const EXAMPLE_ID = '0af7651916cd43dd8448eb211c80319c';

function faultOf(template: string): string | undefined {
  if (!template.includes(PLACE)) return `expected ${PLACE} where the id of the trace belongs`;
  const { error } = httpUrl.safeParse(template.replaceAll(PLACE, EXAMPLE_ID));
  if (error) return error.issues[0]?.message;
  const { username, password } = pageOf(template, EXAMPLE_ID);
  return username || password ? 'expected a URL without user and password, which would be shown' : undefined;
}

function pageOf(template: string, traceId: string): URL {
  return new URL(template.replaceAll(PLACE, traceId));
}
