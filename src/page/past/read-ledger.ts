import {
  KeyStore,
  knownVcon,
  proveVcon,
  verdictLines,
  verifierBeside,
  verifierKeysBeside,
  verifyLedger,
} from '../../ledger/index.ts';
import type { FoundVerdict, LedgerQuestions, ProvedRecords, VconInLedger } from './ledger-questions.ts';

/** Answers every question from the files of a ledger. */
export type ReadLedger = {
  readonly [Q in keyof LedgerQuestions]: (ask: LedgerQuestions[Q]['ask']) => LedgerQuestions[Q]['answer'];
};

export const readLedger: ReadLedger = { records, verdict };

function records({ directory, uuid }: VconInLedger): ProvedRecords {
  const vcon = knownVcon(directory, uuid) ?? uuid;
  return {
    keys: verifierKeysBeside(directory),
    content_key: new KeyStore(directory).state(vcon),
    bundle: proveVcon(directory, vcon),
  };
}

/** The service has it open: what is unfinished is being written. */
function verdict({ directory }: { readonly directory: string }): FoundVerdict {
  const settings = { directory, verifiers: verifierBeside(directory), withKeys: true, inUse: true };
  const found = verifyLedger(settings);
  return { verdict: found.verdict, lines: verdictLines(found, directory) };
}
