export { ledgerSigner } from './key-file.ts';
export { KeyStore } from './key-store.ts';
export { Ledger, type LedgerSettings, openLedger } from './ledger.ts';
export type { LedgerEntry, LedgerRecord } from './record.ts';
