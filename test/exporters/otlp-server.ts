import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the server answers a request: a status, perhaps with headers, `hang up`, or `silence` (no answer at all). */
export type Answer =
  | number
  | { readonly status: number; readonly headers: OutgoingHttpHeaders }
  | 'hang up'
  | 'silence';

export interface OtlpRequest {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** The parsed JSON body. */
  readonly body: unknown;
}

/** Stands in for a Collector: keeps what it is sent. `answer` may take its time. Port 0 is a free one. */
export async function startOtlpServer(
  answer: (request: OtlpRequest) => Answer | Promise<Answer> = () => 200,
  responseBody = '{}',
  port = 0,
) {
  const requests: OtlpRequest[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    const received = { path: request.url, headers: request.headers, body };
    requests.push(received);
    const answered = await answer(received);
    if (answered === 'silence') return;
    if (answered === 'hang up') {
      response.destroy();
      return;
    }
    const { status, headers } = typeof answered === 'number' ? { status: answered, headers: {} } : answered;
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(responseBody);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: taken } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${taken}`,
    port: taken,
    requests,
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The spans of an ExportTraceServiceRequest. */
export function spansOf(body: unknown): { readonly name: string; readonly spanId: string }[] {
  const { resourceSpans } = body as {
    resourceSpans: { scopeSpans: { spans: { name: string; spanId: string }[] }[] }[];
  };
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}
