import {
  existingSigner,
  keysInForce,
  type MirrorPlace,
  openMirror,
  parseVerifierKey,
  probeWitnesses,
  rotationsIn,
} from '../../ledger/index.ts';
import { withDeadline } from '../../model/deadline.ts';
import { errorType, VconOtelError } from '../../model/error.ts';
import { type Finding, ok, problem, warning } from '../../model/finding.ts';
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
    const found = existingSigner(directory, origin, key_file);
    if (found?.isElsewhere) return [folder, warning(FORMER_KEY, 'set key_file to the file of the new key')];
    const key = found ? 'its signing key can be read' : 'its signing key is created at the first start';
    return [folder, ok(key)];
  } catch (error) {
    const reason = error instanceof VconOtelError ? error.message : `it cannot be read (${errorType(error)})`;
    return [folder, problem(`the signing key: ${reason}`, 'put the key back')];
  }
}

/** What is said where the configuration names the key of before. */
export const FORMER_KEY =
  'key_file names a key that was changed for another: the ledger is signed with the new one, which signing-key.pem beside it leads to';

/** Whether the mirror lets itself be read; nothing is written there. */
export async function probeMirrorOf({ mirror }: ComplianceOptions, timeout: number): Promise<Finding[]> {
  if (!mirror) return [];
  let place: MirrorPlace;
  try {
    place = openMirror(mirror);
  } catch (error) {
    if (error instanceof VconOtelError) return [problem(error.message)];
    throw error;
  }
  try {
    const checkpoint = await withDeadline(place.read('checkpoint'), timeout, 'the mirror');
    const has = checkpoint ? 'can be read' : 'can be read, and has nothing yet';
    return [ok(`its mirror in ${place.name} ${has}`)];
  } catch (error) {
    return [
      problem(
        `its mirror in ${place.name} cannot be read (${errorType(error)})`,
        'check that it is there, and that the credentials let the service read, list, write and delete',
      ),
    ];
  } finally {
    await place.close();
  }
}

/** What witnesses have seen of the ledger: nobody is asked before it has a key. */
export async function probeWitnessesOf(given: ComplianceOptions, timeout: number): Promise<Finding[]> {
  const asked = witnessing(given);
  const { directory, origin, key_file } = given;
  const signer = asked && signerThere(directory, origin, key_file)?.signer;
  if (!asked || !signer) return [];
  const own = keysInForce([parseVerifierKey(signer.vkey)], rotationsIn(directory));
  return probeWitnesses(asked, { directory, own, origin: signer.name, timeout });
}

/** A key that is missing, or none, is told of elsewhere. */
function signerThere(...place: Parameters<typeof existingSigner>) {
  try {
    return existingSigner(...place);
  } catch {
    return undefined;
  }
}
