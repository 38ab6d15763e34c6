import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Milliseconds between two looks. */
const LOOK = 500;
/** Of the flags in /proc: what says that it is opened for writing only. */
const ACCESS = 0o3;
const WRITE_ONLY = 0o1;

/**
 * Resolves when whoever read standard output (`| head`) does so no more. A command that prints something learns it by that; this is for one
 * that has nothing to print. Nothing else tells it: Node.js cannot poll a pipe that it only writes to. Where it cannot be known (another
 * system than Linux, a reader of another user, no pipe at all), it never resolves.
 */
export function readerGone(): Promise<void> {
  const pipe = linkOf('/proc/self/fd/1');
  let reader = pipe?.startsWith('pipe:') ? readerOf(pipe) : undefined;
  return new Promise((resolve) => {
    if (pipe === undefined || reader === undefined) return;
    const timer = setInterval(() => {
      if (reader !== undefined && linkOf(reader) === pipe) return;
      reader = readerOf(pipe);
      if (reader !== undefined) return;
      clearInterval(timer);
      resolve();
    }, LOOK);
    timer.unref();
  });
}

/** Where /proc shows that another process reads a pipe. */
function readerOf(pipe: string): string | undefined {
  for (const pid of namesIn('/proc')) {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue;
    for (const fd of namesIn(`/proc/${pid}/fd`)) {
      const link = `/proc/${pid}/fd/${fd}`;
      if (linkOf(link) === pipe && !isWriteOnly(`/proc/${pid}/fdinfo/${fd}`)) return link;
    }
  }
  return undefined;
}

function isWriteOnly(info: string): boolean {
  try {
    const [, flags = ''] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(info, 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & ACCESS) === WRITE_ONLY;
  } catch {
    return true;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Processes of other users do not show theirs. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
