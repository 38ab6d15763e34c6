import {
  KeyStore,
  knownVcon,
  proveVcon,
  type Verifier,
  verdictLines,
  verifierBeside,
  verifyLedger,
  vkeyOf,
} from '../../ledger/index.ts';
import type { FoundVerdict, LedgerQuestions, ProvedRecords, VconInLedger } from './ledger-questions.ts';

/** Answers every question from the files of a ledger. */
export type ReadLedger = {
  readonly [Q in keyof LedgerQuestions]: (ask: LedgerQuestions[Q]['ask']) => LedgerQuestions[Q]['answer'];
};

export const readLedger: ReadLedger = { records, verdict };

function records({ directory, uuid }: VconInLedger): ProvedRecords {
  const vcon = knownVcon(directory, uuid) ?? uuid;
  const bundle = proveVcon(directory, vcon);
  const size = bundle.covers?.to ?? 0;
  // The key may have been changed since: those that may have signed this checkpoint.
  const mayHave = ({ term }: Verifier) => !term || (term.from <= size && size <= term.to);
  return {
    keys: verifierBeside(directory).filter(mayHave).map(vkeyOf),
    content_key: new KeyStore(directory).state(vcon),
    bundle,
  };
}

/** The service has it open: what is unfinished is being written. */
function verdict({ directory }: { readonly directory: string }): FoundVerdict {
  const settings = { directory, verifiers: verifierBeside(directory), withKeys: true, inUse: true };
  const found = verifyLedger(settings);
  return { verdict: found.verdict, lines: verdictLines(found, directory) };
}
