/** Percent between two lines of progress. */
const STEP = 10;

/**
 * Says now and then how far something long is.
 * @param long what is less than this is done at once, and nothing is said
 * @param line how it is said
 */
export function shownProgress(
  stderr: NodeJS.WritableStream,
  long: number,
  line: (percent: number, all: number) => string,
): (done: number, all: number) => void {
  let said = 0;
  return (done, all) => {
    const percent = Math.floor((done / Math.max(all, 1)) * 100);
    if (all < long || percent < said + STEP) return;
    said = percent;
    stderr.write(`vcon-otel: ${line(percent, all)}\n`);
  };
}
