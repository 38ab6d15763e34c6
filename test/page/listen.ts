/** A message of a feed. */
export interface Message {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a page is told has no types there either.
  readonly data: any;
}

/** Reads server-sent events, as a browser does, until it is told to stop. */
export async function listen(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  path = '/api/feed',
) {
  const ending = new AbortController();
  const response = await fetch(`${url}${path}`, { headers, signal: ending.signal });
  const messages: Message[] = [];
  const reading = read(response, messages).catch(() => undefined);
  return {
    status: response.status,
    messages,
    /** Resolves when the other side has ended it. */
    ended: reading,
    stop: async () => {
      ending.abort();
      await reading;
    },
  };
}

async function read({ body }: Response, messages: Message[]): Promise<void> {
  let rest = '';
  for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) {
    rest += Buffer.from(piece).toString();
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      messages.push({
        id: fields.get('id') ?? '',
        event: fields.get('event') ?? '',
        data: JSON.parse(fields.get('data') ?? 'null'),
      });
    }
  }
}
