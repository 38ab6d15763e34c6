import { obtainPrograms } from './programs.ts';

/**
 * The programs, with their paths. What was found, and what is missing and why, is said once.
 * @throws Error where one of them cannot be had
 */
export function presentPrograms() {
  present ??= lookForPrograms();
  return present;
}

let present: ReturnType<typeof lookForPrograms> | undefined;

async function lookForPrograms() {
  const { collector, jaeger, prometheus, promtool } = await obtainPrograms();
  const paths = { collector, jaeger, prometheus, promtool };
  const missing = Object.values(paths).flatMap((program) => ('missing' in program ? [program.missing] : []));
  if (missing.length > 0) throw new Error(`The stack cannot be started. ${missing.join('. ')}`);
  const said = Object.values(paths).map((program) =>
    'about' in program ? `${program.about} (${program.path})` : '',
  );
  console.log(
    `${said.join('\n')}${collector.without.length > 0 ? `\nNot shown, because this Collector has none: ${collector.without.join(', ')}` : ''}`,
  );
  const path = (program: (typeof paths)[keyof typeof paths]) => ('path' in program ? program.path : '');
  return {
    collector: path(collector),
    jaeger: path(jaeger),
    prometheus: path(prometheus),
    promtool: path(promtool),
    without: collector.without,
  };
}
