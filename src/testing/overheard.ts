import { DiagLogLevel, diag } from '@opentelemetry/api';

const METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;

/**
 * Captures what is written to OpenTelemetry's diagnostics, at every level, and to `console`, which still prints.
 * @returns what was written, and a function that ends the capture
 */
export function overhear(): { readonly lines: readonly string[]; stop(): void } {
  const lines: string[] = [];
  const note = (...words: unknown[]) => void lines.push(words.map(String).join(' '));
  diag.setLogger(
    { error: note, warn: note, info: note, debug: note, verbose: note },
    { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true },
  );
  const before = METHODS.map((method) => [method, console[method]] as const);
  for (const [method, original] of before)
    console[method] = (...words: unknown[]) => {
      note(...words);
      original.apply(console, words);
    };
  return {
    lines,
    stop() {
      for (const [method, original] of before) console[method] = original;
      diag.disable();
    },
  };
}
