import { parser } from '@grafana/lezer-traceql';

/** Throws where a query is not TraceQL, or is empty. */
export function checkTraceql(query: string): void {
  if (query.trim() === '') throw new SyntaxError('an empty query');
  parser.parse(query).iterate({
    enter: ({ type, from }) => {
      if (type.isError) throw new SyntaxError(`not TraceQL at ${from}: ${query}`);
    },
  });
}
