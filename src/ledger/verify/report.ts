import { join } from 'node:path';
import type { KeyFindings, LedgerFault, LedgerState, Verdict } from './verdict.ts';

/**
 * Whether everything that began has ended, and everything that ended had begun.
 * @param inUse whether runs may be under way
 */
export function isComplete({ completeness }: Verdict, inUse: boolean): boolean {
  const { unfinishedSteps, endsWithoutStart, openRuns } = completeness;
  return unfinishedSteps + endsWithoutStart + (inUse ? 0 : openRuns) === 0;
}

/** A verdict for programs. */
export function verdictJson(of: Verdict, inUse: boolean) {
  const { verdict, fault, origin, first, size, signed, checkpoints, agreed, keys, completeness } = of;
  return {
    verdict,
    complete: isComplete(of, inUse),
    origin: origin ?? null,
    first_seq: first,
    size,
    signed,
    checkpoints,
    rollback_excluded_to: agreed ?? null,
    keys: keys
      ? { committed: keys.committed, uncommitted: keys.uncommitted, pending: keys.pending, lost: keys.lost }
      : null,
    key_changes: of.keyChanges.map(({ seq, former, next }) => ({ seq, former: former.id, next: next.id })),
    late_requests: of.lateRequests,
    unproven_deletions: of.unprovenDeletions,
    fault: fault ?? null,
    open_runs: completeness.openRuns,
    unfinished_steps: completeness.unfinishedSteps,
    ends_without_start: completeness.endsWithoutStart,
    repeats: completeness.repeats,
    examples: completeness.examples.map(({ kind, seq, recordId }) => ({ kind, seq, record_id: recordId })),
  };
}

const HEADS: Readonly<Record<LedgerState, string>> = {
  intact: '✓ intact',
  torn: '! torn tail',
  tampered: '✗ tampered',
  unknown_key: '✗ unknown key',
  bad_signature: '✗ wrong signature',
  rolled_back: '✗ rolled back',
  key_lost: '✗ key lost',
  deleted_early: '✗ deleted early',
  unsigned: '✗ not signed',
};

/** A verdict for people, line by line. It contains names as users wrote them. */
export function verdictLines(verdict: Verdict, directory: string): string[] {
  const { fault, origin, first, size, signed, checkpoints, agreed, keys, completeness } = verdict;
  const { unprovenDeletions } = verdict;
  const { openRuns, unfinishedSteps, endsWithoutStart, repeats, examples } = completeness;
  const rows = [
    ...(fault ? [['where', place(fault, directory)]] : []),
    [
      'records',
      `${size - first}${first > 0 ? `, from ${first} on (older ones expired)` : ''}, ${signed} signed`,
    ],
    ...((fault && verdict.verdict !== 'torn') || signed === size
      ? []
      : [
          [
            'not signed',
            `${size - signed} records: anybody who can write here could have written them, without any key`,
          ],
        ]),
    ['checkpoints', `${checkpoints}${origin === undefined ? '' : `, of ${origin}`}`],
    ...(verdict.keyChanges.length > 0 ? [['signed by', signers(verdict)]] : []),
    [
      'rollback',
      agreed === undefined
        ? 'not excluded: only a checkpoint kept elsewhere shows it (--since)'
        : `excluded up to the ${agreed} records of a checkpoint kept elsewhere`,
    ],
    ...(unprovenDeletions > 0
      ? [['deleted', `${unprovenDeletions} times, without word of how old the records were (0.1)`]]
      : []),
    ...(verdict.lateRequests > 0
      ? [['waiting', `${verdict.lateRequests} deeds of operators, for more than an hour, to be recorded`]]
      : []),
    ...keyRows(keys),
    ...(openRuns > 0 ? [['open', `${openRuns} runs without an end (under way, or broken off)`]] : []),
    ...(unfinishedSteps > 0
      ? [['incomplete', `${unfinishedSteps} steps without an end, in runs that ended`]]
      : []),
    ...(endsWithoutStart > 0 ? [['incomplete', `${endsWithoutStart} ends without a start`]] : []),
    ...(repeats > 0 ? [['repeats', `${repeats} records delivered twice`]] : []),
    ...examples
      .filter(({ kind }) => kind !== 'open_run')
      .map(({ seq, recordId }) => ['', `record ${seq}, ${recordId}`]),
  ];
  return [
    `${HEADS[verdict.verdict]}${fault ? `: ${said(fault)}` : ''}`,
    ...rows.map(([title = '', text]) => `  ${title.padEnd(12)} ${text}`),
  ];
}

function signers({ keyChanges }: Verdict): string {
  const before = keyChanges.map(({ former, seq }) => `${former.id} until record ${seq}`);
  return `${[...before, keyChanges.at(-1)?.next.id].join(', then ')}`;
}

function keyRows(keys: KeyFindings | undefined): string[][] {
  if (!keys) return [['keys', 'not looked at']];
  const { uncommitted, pending, lost } = keys;
  return [
    ...(uncommitted > 0
      ? [
          [
            'keys',
            `${uncommitted} records do not say which key they were made with (0.1): it may be another by now`,
          ],
        ]
      : []),
    ...(lost > 0
      ? [['keys', `those of ${lost} vCons were lost before the ledger was restored from its mirror`]]
      : []),
    ...(pending > 0 ? [['keys', `${pending} destroyed, which is still to be recorded`]] : []),
  ];
}

function said({ seq, reason }: LedgerFault): string {
  return seq === undefined ? reason : `record ${seq} ${reason}`;
}

function place({ file, offset }: LedgerFault, directory: string): string {
  return `${join(directory, file)}, byte ${offset}`;
}
