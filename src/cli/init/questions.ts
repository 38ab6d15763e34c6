import { createInterface } from 'node:readline/promises';
import type { InitAnswers } from './texts.ts';

/** Where questions are asked. */
export interface QuestionSettings {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
}

/**
 * Asks what cannot be found out: five questions, each once more where the answer is none of those it may be.
 * @param found is taken where a question is answered with Enter
 * @returns undefined if it is interrupted (Ctrl-C, Ctrl-D)
 */
export async function askFor(
  found: InitAnswers,
  { stdin, stdout }: QuestionSettings,
): Promise<InitAnswers | undefined> {
  const lines = createInterface({ input: stdin, output: stdout });
  const closed = new AbortController();
  lines.once('close', () => closed.abort());
  /** @param read says what an answer means; a sentence where it means nothing */
  const ask = async <T>(text: string, known: string, read: (answer: string) => Read<T>): Promise<T> => {
    for (;;) {
      const answer = await lines.question(`${text} [${known}] `, { signal: closed.signal });
      const meant = read(answer.trim() || known);
      if ('is' in meant) return meant.is;
      stdout.write(`  ${meant.not}\n`);
    }
  };
  const { redisUrl, redisFromEnvironment } = found;
  const redis = redisFromEnvironment ? 'that of REDIS_URL' : redisUrl;
  try {
    return {
      conserverConfig: await ask(
        "The server's config.yml, for its chains? (a path, or none)",
        found.conserverConfig ?? NONE,
        textOrNone,
      ),
      ...(await ask("The server's Redis?", redis, (answer) => {
        if (answer === redis) return { is: { redisUrl, redisFromEnvironment } };
        if (!isUrl(answer, /^rediss?:$/))
          return { not: 'A URL, please: redis://host:6379, or rediss:// with TLS.' };
        return { is: { redisUrl: answer, redisFromEnvironment: false } };
      })),
      audit: await ask(
        'An audit trail? (compliance: signed; audit_log: lines of JSON; none)',
        found.audit,
        (answer) => {
          const chosen = AUDITS.find((audit) => audit === answer);
          return chosen ? { is: chosen } : { not: `One of ${AUDITS.join(', ')}, please.` };
        },
      ),
      otlpEndpoint: await ask(
        'A Collector for spans and metrics? (its URL, or none)',
        found.otlpEndpoint ?? NONE,
        (answer) =>
          answer === NONE || isUrl(answer, /^https?:$/)
            ? textOrNone(answer)
            : { not: 'A URL, please: http://host:4318. Or none.' },
      ),
      adminPort: await ask('The port for health and metrics?', String(found.adminPort), (answer) =>
        /^\d{1,5}$/.test(answer) && Number(answer) <= 65_535
          ? { is: Number(answer) }
          : { not: 'A number up to 65535, please.' },
      ),
    };
  } catch (error) {
    if (closed.signal.aborted) return undefined;
    throw error;
  } finally {
    lines.close();
  }
}

/** What an answer means, or what to say of one that means nothing. */
type Read<T> = { readonly is: T } | { readonly not: string };

const NONE = 'none';
const AUDITS = ['compliance', 'audit_log', NONE] as const;

function textOrNone(answer: string): Read<string | undefined> {
  return { is: answer === NONE ? undefined : answer };
}

function isUrl(text: string, protocol: RegExp): boolean {
  return URL.canParse(text) && protocol.test(new URL(text).protocol);
}
