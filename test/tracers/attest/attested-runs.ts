import { createPublicKey, hash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKey, writeKeyFile } from '../../../src/ledger/index.ts';
import type { EventContext } from '../../../src/model/tracer.ts';
import { type EnvelopeSigner, sealed } from '../../../src/tracers/attest/dsse.ts';
import { signerOfFile } from '../../../src/tracers/attest/signing-key.ts';
import { LinkStatement } from '../../../src/tracers/attest/statement.ts';
import { eventContext, started } from '../started.ts';

export const VCON = '018f0000-0000-8000-8000-000000000001';
export const LINKS = ['transcribe', 'redact', 'analyze'] as const;

/** A document's hash, as the file inside the server tells it. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/** A run of a vCon through three links whose documents were hashed, event by event. */
export function scriptedRun(
  runId: string,
  facts: Partial<EventContext> = {},
  links: readonly string[] = LINKS,
) {
  const at = (seconds: number) => 1_772_366_400_000 + seconds * 1e3;
  const common = {
    runId,
    links,
    spanContext: { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: runId, traceFlags: 1 },
  };
  const begin = eventContext({
    ...{ ...common, eventId: `${runId}/chain/start`, time: at(0), vconSha256: sha256(`${runId} entered`) },
    ...facts,
  });
  const steps = links.map((link, linkIndex) =>
    eventContext({
      ...common,
      eventId: `${runId}/link/${linkIndex}/complete`,
      ...({ stage: 'link', phase: 'complete', outcome: 'success' } as const),
      ...{
        link,
        linkIndex,
        time: at(linkIndex + 1),
        duration: 0.9,
        vconSha256: sha256(`${runId} after ${linkIndex}`),
      },
      ...facts,
    }),
  );
  const end = eventContext({
    ...{
      ...common,
      eventId: `${runId}/chain/complete`,
      time: at(links.length + 1),
      duration: links.length + 1,
    },
    ...({ phase: 'complete', outcome: 'complete' } as const),
    ...facts,
  });
  return [begin, ...steps, end];
}

/** A folder with a ledger, and the attestations of runs that it has recorded. */
export class AttestedRuns {
  readonly directory: string;
  readonly ledger: string;
  readonly layouts: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.directory = join(folder, 'attest');
    this.ledger = join(folder, 'ledger');
    this.layouts = join(folder, 'layouts');
  }

  /** Has a tracer hear these events beside a compliance tracer. */
  async hear(events: readonly EventContext[]): Promise<void> {
    const compliance = await started('tracers.compliance', { directory: this.ledger });
    const { trace, shutdown } = await started('tracers.attest', this.options);
    for (const event of events) {
      const name = event.phase === 'lost' ? 'chain_lost' : (`${event.stage}_${event.phase}` as const);
      await trace(event.outVconUuid, name, event);
    }
    await shutdown();
    await compliance.shutdown();
  }

  get options() {
    return { directory: this.directory, ledger_directory: this.ledger };
  }

  get signer(): EnvelopeSigner {
    return signerOfFile(join(this.directory, 'signing-key.pem'));
  }

  /** The file with what was attested today. */
  async file(): Promise<string> {
    const [name = ''] = (await readdir(this.directory)).filter((found) => found.endsWith('.intoto.jsonl'));
    return join(this.directory, name);
  }

  async lines(): Promise<string[]> {
    return (await readFile(await this.file(), 'utf8')).split('\n').filter((line) => line !== '');
  }

  async statements(): Promise<LinkStatement[]> {
    return (await this.lines()).map(statementOf);
  }

  async rewrite(lines: readonly string[]): Promise<void> {
    await writeFile(await this.file(), lines.map((line) => `${line}\n`).join(''));
  }

  /** A line as somebody who has the tracer's key would write it. */
  lie(line: string, change: (statement: LinkStatement) => unknown, signer = this.signer): string {
    return sealed(change(statementOf(line)), signer);
  }

  /** A key of somebody else: its private and its public file. */
  async foreignKey(name: string): Promise<{ readonly file: string; readonly published: string }> {
    const [file, published] = [join(this.#folder, `${name}.pem`), join(this.#folder, `${name}.pub`)];
    const pem = generateKey();
    writeKeyFile(file, pem);
    await writeFile(published, createPublicKey(pem).export({ type: 'spki', format: 'pem' }));
    return { file, published };
  }
}

export function statementOf(line: string): LinkStatement {
  return LinkStatement.parse(JSON.parse(Buffer.from(JSON.parse(line).payload, 'base64').toString()));
}
