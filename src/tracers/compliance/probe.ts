import { existingSigner, parseVerifierKey, probeWitnesses } from '../../ledger/index.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import { type Finding, ok, problem } from '../../model/finding.ts';
import { folderObstacle } from '../../persistence/obstacle.ts';
import { type ComplianceOptions, witnessing } from './options.ts';

/** What of the tracer's options says where it writes and who signs. */
export interface LedgerPlace {
  readonly directory: string;
  readonly origin?: string | undefined;
  readonly key_file?: string | undefined;
}

/** Looks at the folder of the ledger and at its key, without taking its lock. */
export function probe({ directory, origin, key_file }: LedgerPlace): readonly Finding[] {
  const obstacle = folderObstacle(directory);
  const folder = obstacle
    ? problem(
        `the ledger cannot be written to ${directory} (${obstacle})`,
        "name a folder that the service's user can write",
      )
    : ok(`the ledger can be written to ${directory}`);
  try {
    const signer = existingSigner(directory, origin, key_file);
    const key = signer ? 'its signing key can be read' : 'its signing key is created at the first start';
    return [folder, ok(key)];
  } catch (error) {
    const reason = error instanceof VconOtelError ? error.message : `it cannot be read (${errorType(error)})`;
    return [folder, problem(`the signing key: ${reason}`, 'put the key back')];
  }
}

/** What witnesses have seen of the ledger: nobody is asked before it has a key. */
export async function probeWitnessesOf(given: ComplianceOptions, timeout: number): Promise<Finding[]> {
  const asked = witnessing(given);
  const { directory, origin, key_file } = given;
  const signer = asked && signerThere(directory, origin, key_file);
  return asked && signer
    ? probeWitnesses(asked, { directory, own: parseVerifierKey(signer.vkey), timeout })
    : [];
}

/** A key that is missing, or none, is told of elsewhere. */
function signerThere(...place: Parameters<typeof existingSigner>) {
  try {
    return existingSigner(...place);
  } catch {
    return undefined;
  }
}
