export { makeLedgerFolder } from './directory.ts';
export { brokenAlgorithms, type HashAlgorithm, hashAlgorithms, hashOf } from './hash-algorithm.ts';
export { keysInForce, rotationsIn } from './keys/key-rotation.ts';
export { type KeyState, KeyStore } from './keys/key-store.ts';
export {
  existingSigner,
  ledgerSigner,
  verifierBeside,
  writeKeyFile,
} from './keys/signing-key.ts';
export { destroyKey } from './log/destroy-key.ts';
export { type ExportFormat, exportRecords } from './log/export.ts';
export { knownVcon, recordsOfVcon } from './log/known-vcon.ts';
export type { Ledger } from './log/ledger.ts';
export type { LedgerSettings } from './log/ledger-settings.ts';
export type { LedgerStanding } from './log/ledger-standing.ts';
export { isLedgerInUse, lockLedger } from './log/lock.ts';
export { openLedger } from './log/open-ledger.ts';
export { ledgerIn } from './log/open-ledgers.ts';
export { MAX_DIGESTS, type OperatorDeed } from './log/operator-deed.ts';
export {
  type LedgerEntry,
  type LedgerRecord,
  MAX_POLICY,
} from './log/record.ts';
export { recordAtOnce } from './log/record-at-once.ts';
export { leaveRequest, type Operator } from './log/requests.ts';
export { retentionPeriod } from './log/retention-policy.ts';
export { rotateKey } from './log/rotate-key.ts';
export { type Compared, compareCopies } from './mirror/compare-copies.ts';
export { type MirrorOptions, openMirror } from './mirror/open-mirror.ts';
export type { MirrorPlace } from './mirror/place.ts';
export { restoreLedger } from './mirror/restore.ts';
export { lackingForS3, s3OptionsOf } from './mirror/s3-options.ts';
export { LedgerMonitor, type LedgerReport } from './monitor/ledger-monitor.ts';
export { MONITOR_FINDINGS, type MonitorFindingName } from './monitor/monitor-finding.ts';
export { placeAtUrl, placeInDirectory, type WatchedPlace } from './monitor/watched-place.ts';
export type { TreeHead } from './proof/checkpoint.ts';
export { readHeads } from './proof/checkpoint-history.ts';
export { type Cosigner, cosignerOf, parseWitnessKey } from './proof/cosignature.ts';
export { entriesOf } from './proof/entry-bundle.ts';
export { generateKey, parseVerifierKey, type Signer, signerOf, type Verifier, vkeyOf } from './proof/note.ts';
export { TileReader } from './proof/tile-reader.ts';
export { publishLog } from './publish/publish.ts';
export type { Completeness } from './verify/completeness.ts';
export { type LedgerThen, proveGrowth } from './verify/consistency-proof.ts';
export { publishedFault, publishedSize } from './verify/published.ts';
export { type RecordedReceipts, recordedReceipts } from './verify/recorded-receipts.ts';
export { isComplete, verdictJson, verdictLines } from './verify/report.ts';
export {
  checkProof,
  checkpointOf,
  keysOfBundle,
  type ProofBundle,
  type ProofVerdict,
  proofOf,
  proveVcon,
  tlogProofs,
} from './verify/vcon-proof.ts';
export type { LedgerState, Verdict } from './verify/verdict.ts';
export { type VerifySettings, verifyLedger } from './verify/verify.ts';
export {
  attestations,
  isWitnessed,
  type Quorum,
  witnessedJson,
  witnessedLines,
} from './verify/witnessed.ts';
export { probeWitnesses } from './witness/probe-witness.ts';
export { type WatchedLog, Witness } from './witness/witness.ts';
export { startWitnessServer } from './witness/witness-server.ts';
export { keptCosigned, type WitnessOptions } from './witness/witnessing.ts';
