import { parser } from '@prometheus-io/lezer-promql';

/**
 * The names of the metrics that a PromQL query asks for, each once. Throws where the query is not PromQL, and where it
 * selects series without a plain name, as `{__name__=~"…"}` does: nobody could look such a name up. Variables of a
 * dashboard are not PromQL; put values for them first.
 */
export function metricNamesIn(query: string): string[] {
  const names = new Set<string>();
  parser.parse(query).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) throw new SyntaxError(`not PromQL at ${from}: ${query}`);
      if (type.name !== 'VectorSelector') return;
      const name = node.getChild('Identifier');
      if (name === null)
        throw new SyntaxError(`a selector without a name, ${query.slice(from, to)}: ${query}`);
      names.add(query.slice(name.from, name.to));
    },
  });
  if (query.trim() === '') throw new SyntaxError('an empty query');
  return [...names];
}
