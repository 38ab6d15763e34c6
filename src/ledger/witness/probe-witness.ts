import { hash } from 'node:crypto';
import { join } from 'node:path';
import { VconOtelError } from '../../model/error.ts';
import { type Finding, ok, problem, warning } from '../../model/finding.ts';
import type { HttpAnswer } from '../../outgoing/http-answer.ts';
import { httpClient } from '../../outgoing/http-client.ts';
import { unreachable } from '../../outgoing/reach.ts';
import { CHECKPOINT_FILE, readText } from '../directory.ts';
import { requireGrown } from '../log/anchor.ts';
import { openCheckpoint, type TreeHead } from '../proof/checkpoint.ts';
import { cosignaturesOf, parseWitnessKey } from '../proof/cosignature.ts';
import type { Verifier } from '../proof/note.ts';
import { TileReader } from '../proof/tile-reader.ts';
import type { WitnessOptions } from './witnessing.ts';

/** Whom a look at witnesses is for. */
export interface ProbedLedger {
  readonly directory: string;
  /** Of the ledger's own keys; the newest is the last. */
  readonly own: readonly Verifier[];
  readonly origin: string;
  /** Milliseconds that a look may take. */
  readonly timeout: number;
}

/** Looks whether each witness answers, has the key that it is said to have, and what it has seen of a ledger. Nothing is cosigned. */
export function probeWitnesses(
  { witnesses, allowPrivateHosts }: WitnessOptions,
  ledger: ProbedLedger,
): Promise<Finding[]> {
  return Promise.all(witnesses.map((witness) => probeWitness(witness, allowPrivateHosts, ledger)));
}

async function probeWitness(
  { url, key }: WitnessOptions['witnesses'][number],
  allowPrivateHosts: readonly string[],
  ledger: ProbedLedger,
): Promise<Finding> {
  const http = httpClient({ timeout: ledger.timeout, maxResponse: MAX_ANSWER, allowPrivateHosts });
  const origin = hash('sha256', ledger.origin, 'hex');
  try {
    const kept = new URL(`${url.replace(/\/*$/, '')}/${origin}/${CHECKPOINT_FILE}`);
    return seen(await http.get(kept, {}), parseWitnessKey(key), ledger);
  } catch (error) {
    return unreachable(url, error);
  } finally {
    await http.close();
  }
}

/** What its newest cosigned checkpoint shows (C2SP tlog-witness, monitor retrieval). */
function seen(
  { status, text }: HttpAnswer,
  witness: Verifier,
  { directory, own, origin }: ProbedLedger,
): Finding {
  const said = `the witness ${witness.name}`;
  const here = openCheckpoint(readText(join(directory, CHECKPOINT_FILE)) ?? '', own);
  if (status === 404)
    return 'head' in here
      ? warning(
          `${said} answers, and shows nothing of this ledger: it has not cosigned it, or does not tell`,
          'give its operator ledger.vkey, which is beside the ledger',
        )
      : ok(`${said} answers; nothing of this ledger is signed yet`);
  if (status !== 200) return warning(`${said} answers with status ${status}`, 'look at its log');
  const opened = openCheckpoint(text, own);
  if (opened.state !== 'signed' || opened.head.origin !== origin)
    return problem(
      `${said} shows a checkpoint that the key of this ledger has not signed`,
      'ask its operator which key of the ledger it knows',
    );
  if (cosignaturesOf(text, [witness])?.length !== 1)
    return problem(
      `${said} shows a checkpoint without a signature of the key that is configured for it`,
      'ask its operator for its verifier key',
    );
  return compared(said, opened.head, 'head' in here ? here.head : undefined, directory);
}

function compared(said: string, cosigned: TreeHead, here: TreeHead | undefined, directory: string): Finding {
  const { size = 0 } = here ?? {};
  const tiles = new TileReader(directory, size);
  try {
    requireGrown(size, () => tiles.sizeRoot(cosigned.size), cosigned, said);
    return ok(`${said} has cosigned ${cosigned.size} of the ${size} records that are signed`);
  } catch (error) {
    return problem(
      error instanceof VconOtelError ? error.message : 'the tiles of the ledger cannot be read',
      'docs/operations.md, VconLedgerFault, says what to do',
    );
  }
}

/** Bytes: a checkpoint and its signatures. */
const MAX_ANSWER = 131_072;
