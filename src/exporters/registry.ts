import otlp from './otlp.ts';
import otlpFile from './otlp-file.ts';
import prometheus from './prometheus.ts';

/** The exporters that come with the package, by their names in a configuration. What they need is loaded when they are made. */
export const builtInExporters = { otlp, otlp_file: otlpFile, prometheus };
