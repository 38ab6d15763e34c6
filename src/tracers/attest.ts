import { KeyStore } from '../ledger/index.ts';
import { DeliveryError } from '../model/delivery-error.ts';
import { keepsNothing } from '../model/erasure.ts';
import { errorType, VconOtelError } from '../model/error.ts';
import { ThrottledLog } from '../model/throttled-log.ts';
import { defineTracer } from '../model/tracer.ts';
import { attestation } from './attest/attestation.ts';
import { type EnvelopeSigner, sealed } from './attest/dsse.ts';
import { KeptEnvelopes } from './attest/kept-envelopes.ts';
import { KeyedDigests } from './attest/keyed-digests.ts';
import { type AttestOptions, options } from './attest/options.ts';
import { probe } from './attest/probe.ts';
import { attestSigner } from './attest/signing-key.ts';

/**
 * Signs what was done to a vCon: for each link that has ended, and for each chain, an in-toto statement in a DSSE envelope. A call is
 * answered when the envelope is on the disk and the ledger has recorded it.
 * @throws VconOtelError from `create`: `FILE_UNUSABLE`, `KEY_INVALID`
 */
export default defineTracer({
  options,
  audit: true,
  create(given, { name }) {
    const { signer, envelopes } = open(given, name);
    const digests = new KeyedDigests(new KeyStore(given.ledger_directory));
    const { entrances } = envelopes;
    return {
      async trace(_uuid, _event, _opts, context) {
        const { runId, inVconUuid, vconSha256, eventId, phase, stage } = context;
        if (stage === 'storage') return;
        if (phase !== 'start') {
          await envelopes.keep(eventId, inVconUuid, async () => {
            const entered = stage === 'link' ? entrances.of(runId) : undefined;
            const statement = await said(() => attestation(context, entered, digests));
            return { statement, line: sealed(statement, signer) };
          });
          return;
        }
        const digest = vconSha256 && (await digests.document(inVconUuid, vconSha256));
        if (digest) entrances.entered(runId, digest);
      },
      forceFlush: () => envelopes.flush(),
      shutdown: () => envelopes.close(),
    };
  },
  probe: async (given) => probe(given),
  // A vCon is here only by what its key made of it, which `audit shred` destroys. The runs' ids stay: only the ledger says whose they are.
  erasure: keepsNothing,
  files: ({ directory, key_file, ledger_directory }) => [
    directory,
    ledger_directory,
    ...(key_file === undefined ? [] : [key_file]),
  ],
});

function open(
  { directory, key_file, ledger_directory }: AttestOptions,
  tracer: string,
): { readonly signer: EnvelopeSigner; readonly envelopes: KeptEnvelopes } {
  const path = `tracers.${tracer}.options`;
  const log = new ThrottledLog('vcon-otel/attest');
  try {
    const signer = attestSigner(directory, key_file);
    const envelopes = new KeptEnvelopes({ directory, ledgerDirectory: ledger_directory, tracer, log });
    return { signer, envelopes };
  } catch (cause) {
    const [code, text] =
      cause instanceof VconOtelError
        ? ([cause.code, cause.message] as const)
        : (['FILE_UNUSABLE', `attestations cannot be kept: ${errorType(cause)}`] as const);
    throw new VconOtelError(code, `${path}: ${text}`, { path, cause });
  }
}

/** A time that is none can never be said. @throws DeliveryError */
async function said<Said>(work: () => Promise<Said>): Promise<Said> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DeliveryError('this event cannot be attested', { permanent: true, cause });
  }
}
