import { parentPort, workerData } from 'node:worker_threads';
import { openJournalAdmin } from '../../journal/open-admin.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import { changeQueue } from './change-queue.ts';
import type { PastAnswer, PastQuestion, ReaderData } from './questions.ts';
import { readPast } from './read-past.ts';

//  The thread in which the journal and ledgers are read for the page: whatever is looked for, no chain waits for it.

const journal = await openJournalAdmin((workerData as ReaderData).journal);

parentPort?.on('message', async ({ question, ask }: PastQuestion) =>
  parentPort?.postMessage(await answer(question, ask)),
);

async function answer(question: PastQuestion['question'], ask: unknown): Promise<PastAnswer> {
  try {
    if (question === 'records' || question === 'verdict') {
      const { readLedger } = await import('./read-ledger.ts');
      return { answer: readLedger[question](ask as never) };
    }
    if (!journal) return { error: 'the journal is in memory: nothing of the past is kept' };
    const answers = { ...readPast, ...changeQueue };
    return { answer: await answers[question](journal, ask as never) };
  } catch (error) {
    return { error: error instanceof VconOtelError ? error.message : errorType(error) };
  }
}
