import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sealed } from '../../../src/tracers/attest/dsse.ts';
import { signerOfFile } from '../../../src/tracers/attest/signing-key.ts';
import type { LinkStatement } from '../../../src/tracers/attest/statement.ts';
import type { AttestationFindingName } from '../../../src/tracers/attest/verify/finding.ts';
import { type AttestedRuns, scriptedRun, statementOf } from './attested-runs.ts';

/** A lie about a step, told by whoever can write the files; `insider`: by somebody who has the tracer's key, too. */
export interface Lie {
  readonly name: string;
  readonly insider: boolean;
  tell(attested: AttestedRuns): Promise<void>;
  /** What we find, first of all; of a layout, what the command ends with. */
  readonly finding: AttestationFindingName | 'layout';
  readonly code: number;
  /** Whether in-toto refuses as well. */
  readonly foreign: boolean;
}

const [HONEST, LYING] = ['00f067aa0ba902b7', '00f067aa0ba902b8'] as const;

/** Two runs of which the second is the one that is lied about. */
export const RUNS = [HONEST, LYING].map((runId) => scriptedRun(runId));

export const LIES: readonly Lie[] = [
  {
    ...{ name: 'two steps swapped', insider: true, finding: 'reordered', code: 1, foreign: true },
    tell: (attested) => instead(attested, ['redact', 'transcribe', 'analyze']),
  },
  {
    ...{ name: 'a step that was not run', insider: true, finding: 'skipped', code: 1, foreign: true },
    tell: (attested) => instead(attested, ['transcribe', 'analyze']),
  },
  {
    ...{
      name: 'a step more, which changes the document',
      insider: true,
      finding: 'foreign',
      code: 1,
      foreign: true,
    },
    tell: (attested) => instead(attested, ['transcribe', 'copy', 'redact', 'analyze']),
  },
  {
    ...{ name: 'a step taken away', insider: false, finding: 'skipped', code: 1, foreign: true },
    tell: async (attested) => attested.rewrite((await attested.lines()).toSpliced(5, 1)),
  },
  {
    ...{
      name: 'a step attested twice, in different words',
      insider: true,
      finding: 'repeated',
      code: 1,
      foreign: false,
    },
    tell: async (attested) => {
      const lines = await attested.lines();
      const again = attested.lie(lines[5] ?? '', (said) => withOutcome(said, { outcome: 'unknown' }));
      await attested.rewrite([...lines, again]);
    },
  },
  {
    ...{
      name: 'a step attested by a foreign key',
      insider: false,
      finding: 'unknown_key',
      code: 4,
      foreign: true,
    },
    tell: async (attested) => {
      const { file } = await attested.foreignKey('foreign');
      await change(attested, 5, (said) => said, signerOfFile(file));
    },
  },
  {
    ...{
      name: 'another document than the step before left',
      insider: true,
      finding: 'changed',
      code: 1,
      foreign: true,
    },
    tell: (attested) => change(attested, 5, (said) => withMaterial(said, 'document')),
  },
  {
    ...{
      name: 'another vCon than the step before left',
      insider: true,
      finding: 'other_vcon',
      code: 1,
      foreign: true,
    },
    tell: (attested) => change(attested, 5, (said) => withMaterial(said, 'vcon')),
  },
  {
    ...{
      name: 'another time, by whoever has the key',
      insider: true,
      finding: 'other_time',
      code: 1,
      foreign: false,
    },
    tell: (attested) =>
      change(attested, 5, (said) => withOutcome(said, { started: '2026-03-01T11:00:00.000Z' })),
  },
  {
    ...{
      name: 'another time, without the key',
      insider: false,
      finding: 'bad_signature',
      code: 7,
      foreign: true,
    },
    tell: (attested) =>
      edit(attested, 5, (said) => withOutcome(said, { started: '2026-03-01T11:00:00.000Z' })),
  },
  {
    ...{
      name: 'an error that is called a success',
      insider: false,
      finding: 'bad_signature',
      code: 7,
      foreign: true,
    },
    tell: (attested) => edit(attested, 6, (said) => withOutcome(said, { outcome: 'unknown' })),
  },
  {
    ...{
      name: 'a chain that went on after it was halted',
      insider: true,
      finding: 'after_end',
      code: 1,
      foreign: false,
    },
    tell: (attested) => change(attested, 5, (said) => withOutcome(said, { outcome: 'halt' })),
  },
  {
    ...{
      name: 'an end that is not that of its steps',
      insider: true,
      finding: 'contradiction',
      code: 1,
      foreign: false,
    },
    tell: (attested) => change(attested, 7, (said) => withOutcome(said, { outcome: 'halted' })),
  },
  {
    ...{ name: 'an edited layout', insider: false, finding: 'layout', code: 7, foreign: true },
    tell: (attested) =>
      editLayout(attested, (line, edited) => JSON.stringify({ ...JSON.parse(line), payload: edited })),
  },
  {
    ...{
      name: 'an edited layout, signed by a foreign key',
      insider: false,
      finding: 'layout',
      code: 4,
      foreign: true,
    },
    tell: async (attested) => {
      const { file } = await attested.foreignKey('foreign');
      await editLayout(attested, (_, edited) =>
        sealed(JSON.parse(Buffer.from(edited, 'base64').toString()), signerOfFile(file)),
      );
    },
  },
];

/** The second run as a chain of other links would make it. */
async function instead(attested: AttestedRuns, links: readonly string[]): Promise<void> {
  const kept = (await attested.lines()).slice(0, 4);
  await attested.rewrite(kept);
  await attested.hear(scriptedRun(LYING, {}, links));
}

/** A line as whoever has the key signs it anew. */
async function change(
  attested: AttestedRuns,
  at: number,
  to: (said: LinkStatement) => LinkStatement,
  signer = attested.signer,
): Promise<void> {
  const lines = await attested.lines();
  await attested.rewrite(lines.with(at, attested.lie(lines[at] ?? '', to, signer)));
}

/** A line with the signature of what it was. */
async function edit(
  attested: AttestedRuns,
  at: number,
  to: (said: LinkStatement) => LinkStatement,
): Promise<void> {
  const lines = await attested.lines();
  const line = lines[at] ?? '';
  const payload = Buffer.from(JSON.stringify(to(statementOf(line)))).toString('base64');
  await attested.rewrite(lines.with(at, JSON.stringify({ ...JSON.parse(line), payload })));
}

async function editLayout(
  attested: AttestedRuns,
  sign: (line: string, payload: string) => string,
): Promise<void> {
  const file = join(attested.layouts, 'main.layout');
  const line = await readFile(file, 'utf8');
  const layout = JSON.parse(Buffer.from(JSON.parse(line).payload, 'base64').toString());
  const edited = { ...layout, steps: layout.steps.toSpliced(1, 1) };
  await writeFile(file, sign(line, Buffer.from(JSON.stringify(edited)).toString('base64')));
}

function withOutcome(
  said: LinkStatement,
  byproducts: Partial<LinkStatement['predicate']['byproducts']>,
): LinkStatement {
  const { predicate } = said;
  return { ...said, predicate: { ...predicate, byproducts: { ...predicate.byproducts, ...byproducts } } };
}

function withMaterial(said: LinkStatement, name: 'vcon' | 'document'): LinkStatement {
  const materials = said.predicate.materials.map((material) =>
    material.name === name ? { ...material, digest: { hmacSha256: 'ab'.repeat(32) } } : material,
  );
  return { ...said, predicate: { ...said.predicate, materials } };
}
