export { attestationFiles } from '../attestation-files.ts';
export type { EnvelopeKey } from '../dsse.ts';
export { givenKey, keyBeside, signerOfFile, writePublicKey } from '../signing-key.ts';
export type { LinkStatement } from '../statement.ts';
export { type CheckedAttestations, checkAttestations } from './check-attestations.ts';
export { ATTESTATION_FINDINGS, type AttestationFinding } from './finding.ts';
export { attesterKeys, type ChainLayout, type LayoutFault, readLayout, signedLayout } from './layout.ts';
