const holds = new WeakMap<object, () => Promise<void>>();
const unasked = new WeakSet<object>();

/**
 * Ties a chain span to the delivery of its events. A listener that hears the span for a tracer that must not miss anything
 * (`dlq_vcon_on_error`) registers here; the chain runner awaits {@link delivered} before it goes on. Neither knows the
 * other, and a span that nobody holds costs nothing.
 */
export function holdForDelivery(chainSpan: object, settled: () => Promise<void>): void {
  unasked.add(chainSpan);
  hold(chainSpan, settled);
}

/** As {@link holdForDelivery}, where a chain is to wait only until there is room in the journal. */
export function holdForRoom(chainSpan: object, room: () => Promise<void>): void {
  hold(chainSpan, room);
}

function hold(chainSpan: object, settled: () => Promise<void>): void {
  const before = holds.get(chainSpan);
  holds.set(chainSpan, before ? () => Promise.all([before(), settled()]).then(() => undefined) : settled);
}

/**
 * Resolves when every event of this chain span so far has reached the tracers that must not miss any.
 * @throws whatever made the delivery fail for good
 */
export function delivered(chainSpan: object): Promise<void> | undefined {
  unasked.delete(chainSpan);
  return holds.get(chainSpan)?.();
}

/** Whether there is a tracer that must not miss anything, and whoever runs the chain has not waited for it. */
export function isUnasked(chainSpan: object): boolean {
  return unasked.has(chainSpan);
}
