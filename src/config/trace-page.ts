import { isValidTraceId } from '@opentelemetry/api';
import { createSupportsHyperlinks } from 'supports-hyperlinks';
import { ConfigError } from './config-error.ts';
import type { Env } from './interpolate.ts';
import { filledTemplate, templateFault } from './trace-template.ts';

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
  const fault = templateFault(template);
  if (fault !== undefined) throw new ConfigError('CONFIG_INVALID', [{ path: VARIABLE, message: fault }]);
  return tracePageAt(template);
}

/** The page that a template leads to. @param template see `traceTemplate` */
export function tracePageAt(template: string): TracePage {
  return (traceId) => (isValidTraceId(traceId) ? filledTemplate(template, traceId).href : undefined);
}

const VARIABLE = 'VCON_OTEL_TRACE_URL';
