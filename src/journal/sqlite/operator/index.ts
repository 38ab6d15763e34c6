//  What an operator sees of a journal, and may change in it, from another process than the service that writes it:
//  the command line. Events are read in pages and changed in short transactions, so that the service is never held up;
//  what is changed are rows of `delivery`, which the service notices (../writer/schema.ts).

export { type ConsumerStats, consumerStats } from './consumer-stats.ts';
export { type JournalEntry, lastOf } from './entry.ts';
export { deadLetters, eventsToHear } from './event-lists.ts';
export {
  type ConsumerPlace,
  consumerOf,
  consumersOf,
  isServed,
  type JournalFile,
  withJournalFile,
} from './journal-file.ts';
export { planReplay, Replay, type ReplayAim, type Replayed, type ReplayPlan } from './replay.ts';
export { type Choice, type Chosen, queueAgain, skip } from './requeue.ts';
export { type RunFilter, type StoredRun, storedRuns } from './stored-runs.ts';
export { type TailSettings, tailJournal } from './tail.ts';
