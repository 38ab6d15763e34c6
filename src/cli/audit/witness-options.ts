import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Quorum } from '../../ledger/index.ts';
import { VconOtelError } from '../../model/error.ts';
import { parseDelay, parseLimit } from '../arguments.ts';
import { openLedgerPart, requireText } from './audited-ledger.ts';

/** Whom a command trusts to have witnessed. */
export interface WitnessChoice {
  readonly witness?: readonly string[];
  readonly quorum?: number;
  readonly maxAge?: number;
}

/** Adds the options of {@link WitnessChoice}. */
export function takesWitnesses(command: Command): Command {
  return command
    .option(
      '--witness <vkey>',
      'the verifier key of a witness, or a file that holds it; repeat it for another one',
      (key: string, before: readonly string[] = []) => [...before, key],
    )
    .option('--quorum <n>', 'how many of the witnesses must have cosigned it (default: all)', parseLimit)
    .addOption(
      new Option('--max-age <duration>', 'how long ago that may be, such as 24h').argParser(parseDelay),
    );
}

/** Which witnesses there must be; undefined where none are asked for. @throws VconOtelError */
export async function quorumOf({ witness, quorum, maxAge }: WitnessChoice): Promise<Quorum | undefined> {
  if (!witness) {
    if (quorum === undefined && maxAge === undefined) return undefined;
    throw new VconOtelError('OPTIONS_INVALID', '--quorum and --max-age need --witness');
  }
  const { parseWitnessKey } = await openLedgerPart();
  const witnesses = witness.map((key) => parseWitnessKey((existsSync(key) ? requireText(key) : key).trim()));
  // One witness that is named twice is one.
  const distinct = [...new Map(witnesses.map((one) => [`${one.name} ${one.id}`, one])).values()];
  const needed = quorum ?? distinct.length;
  if (needed < 1 || needed > distinct.length)
    throw new VconOtelError('OPTIONS_INVALID', `--quorum must be from 1 to ${distinct.length}`);
  return { witnesses: distinct, quorum: needed, maxAge };
}
