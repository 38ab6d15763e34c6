import type { Clock } from '../model/clock.ts';
import type { PageSources, ShownLedger } from './page-sources.ts';
import type { FoundVerdict, ProvedRecords } from './past/ledger-questions.ts';
import { Past, PastError } from './past/past.ts';

/** A ledger as it is shown. Times are milliseconds since the Unix epoch. */
export interface LedgerView extends Pick<ShownLedger, 'tracer' | 'directory'> {
  /** Null where it is not open in this process. */
  readonly standing: ShownLedger['standing'] | null;
  /** Null where nobody has asked for it since the service started. */
  readonly verification: Verification | null;
}

/** That a ledger was verified from the page: under way, ended with a verdict, or not possible. */
export type Verification =
  | { readonly is: 'running'; readonly since: number }
  | ({ readonly is: 'done'; readonly at: number; readonly seconds: number } & FoundVerdict)
  | { readonly is: 'failed'; readonly at: number; readonly error: string };

/** What a ledger has of a vCon, or why that cannot be told. */
export type VconLedger = { readonly tracer: string } & (ProvedRecords | { readonly error: string });

/** Milliseconds that verifying a ledger may take. */
const LONGEST = 3_600_000;

/** The ledgers of a service: how they stand, what they have of a vCon, and what they were found to be. */
export class Ledgers {
  readonly #sources: Pick<PageSources, 'ledgers'>;
  readonly #past: Past;
  /** A thread of its own: it takes long, and nobody who looks for something else waits for it. */
  readonly #verifying: Past;
  readonly #clock: Clock;
  readonly #verified = new Map<string, Verification>();

  constructor(sources: Pick<PageSources, 'ledgers' | 'journal'>, past: Past, clock: Clock) {
    this.#sources = sources;
    this.#past = past;
    this.#clock = clock;
    this.#verifying = new Past(sources.journal, clock, LONGEST);
  }

  async views(): Promise<LedgerView[]> {
    const ledgers = await this.#sources.ledgers();
    return ledgers.map(({ tracer, directory, standing }) => ({
      ...{ tracer, directory, standing: standing ?? null },
      verification: this.#verified.get(directory) ?? null,
    }));
  }

  /** Begins to verify a ledger as a whole, unless that is under way. @throws PastError */
  async verify(tracer: string): Promise<void> {
    const { directory } = await this.#named(tracer);
    if (this.#verified.get(directory)?.is === 'running') return;
    const since = this.#clock.now();
    this.#verified.set(directory, { is: 'running', since });
    void this.#verifying.ask('verdict', { directory }).then(
      (verdict) => {
        const at = this.#clock.now();
        this.#verified.set(directory, { is: 'done', at, seconds: (at - since) / 1e3, ...verdict });
      },
      ({ message: error }: Error) =>
        this.#verified.set(directory, { is: 'failed', at: this.#clock.now(), error }),
    );
  }

  /** What each ledger has of a vCon. */
  async ofVcon(uuid: string): Promise<VconLedger[]> {
    const ledgers = await this.#sources.ledgers();
    return Promise.all(
      ledgers.map(async ({ tracer, directory }) => {
        try {
          return { tracer, ...(await this.#past.ask('records', { directory, uuid })) };
        } catch (error) {
          if (error instanceof PastError) return { tracer, error: error.message };
          throw error;
        }
      }),
    );
  }

  /** What a ledger can prove of a vCon, and where it is. @throws PastError */
  async prove(
    tracer: string,
    uuid: string,
  ): Promise<{ readonly directory: string; readonly proved: ProvedRecords }> {
    const { directory } = await this.#named(tracer);
    const proved = await this.#past.ask('records', { directory, uuid });
    if (proved.bundle.records.length === 0) throw new PastError('no signed record mentions this vCon');
    return { directory, proved };
  }

  close(): Promise<void> {
    return this.#verifying.close();
  }

  async #named(tracer: string): Promise<ShownLedger> {
    const ledgers = await this.#sources.ledgers();
    const found = ledgers.find((ledger) => ledger.tracer === tracer);
    if (found) return found;
    throw new PastError(`no tracer ${tracer} keeps a ledger`);
  }
}
