import type { FeedChange, FeedSnapshot, VconNews } from '../../page/feed-message.ts';

/** Nothing can be heard for the time being. */
export interface Away {
  readonly is: 'away';
  /** For a person. */
  readonly why: string;
}

/** What chains and tracers do: all there is, and from then on what is new. */
export type FeedNews =
  | { readonly is: 'snapshot'; readonly data: FeedSnapshot }
  | { readonly is: 'change'; readonly data: FeedChange }
  | Away;

/** What becomes of the runs of a vCon. Something comes once a second at least. */
export type FollowedNews = { readonly is: 'runs'; readonly data: VconNews } | Away;

/** Where news come from. What is away is asked again by itself, and begins anew: with all there is. */
export interface LiveSource {
  /** For a person: a url, or a stream. */
  readonly name: string;
  /** Ends when the signal aborts. @throws VconOtelError where asking again would not help */
  feed(signal: AbortSignal): AsyncGenerator<FeedNews, void>;
  /** As {@link feed}, of one vCon. */
  follow(uuid: string, signal: AbortSignal): AsyncGenerator<FollowedNews, void>;
  close(): Promise<void>;
}
