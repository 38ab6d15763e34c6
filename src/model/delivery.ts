const holds = new WeakMap<object, () => Promise<void>>();

/**
 * Ties a chain span to the delivery of its events. Whoever hears a span on behalf of a tracer that must not
 * miss anything (`dlq_vcon_on_error`) says so here; the chain runner asks {@link delivered} before it goes on.
 * Neither knows the other, and a span that nobody holds costs nothing.
 */
export function holdForDelivery(chainSpan: object, settled: () => Promise<void>): void {
  const before = holds.get(chainSpan);
  holds.set(chainSpan, before ? () => Promise.all([before(), settled()]).then(() => undefined) : settled);
}

/**
 * Resolves when every event of this chain span so far has reached the tracers that must not miss any.
 * @throws whatever made the delivery fail for good
 */
export function delivered(chainSpan: object): Promise<void> | undefined {
  return holds.get(chainSpan)?.();
}
