import { randomUUID } from 'node:crypto';
import type { Step } from '../../model/chain.ts';
import { VconOtelError } from '../../model/error.ts';
import { MAX_VCON_LENGTH, parseVcon, type Vcon } from '../../model/vcon.ts';
import { packedText } from '../../persistence/packed-text.ts';
import { isRecord } from './json.ts';

/** A vCon as a link works on it. */
export interface OpenDocument {
  readonly vcon: Vcon;
  /** The uuid of the signed vCon that this was taken out of: what a signature covers must not change. */
  readonly signedUuid?: string;
}

/**
 * Reads the vCon of a step; a signed one is taken out of its envelope, packed or not. Signatures are not verified here.
 * @throws VconOtelError `VCON_INVALID` if the store has none, or it is encrypted, or it is not a vCon
 */
export async function openDocument(vconUuid: string, step: Step): Promise<OpenDocument> {
  const text = await step.vcons.read(vconUuid);
  if (text === undefined) throw new VconOtelError('VCON_INVALID', 'vCon is not in the store');
  const vcon = parseVcon(text);
  if (typeof vcon.ciphertext === 'string') throw new VconOtelError('VCON_INVALID', 'vCon is encrypted');
  if (typeof vcon.payload !== 'string') return { vcon };
  // `application/vcon+json` or, packed, `application/vcon+gzip` (draft-ietf-vcon-vcon-core).
  const signed = parseVcon(await packedText(Buffer.from(vcon.payload, 'base64url'), MAX_VCON_LENGTH));
  return { vcon: signed, signedUuid: signed.uuid ?? vconUuid };
}

/**
 * Writes back what a link made of its vCon. The content of a signed vCon becomes a new vCon that says which
 * one it amends (draft-ietf-vcon-vcon-core, `amended`).
 * @returns the uuid that the chain goes on with
 * @throws what the step was aborted with
 */
export async function saveDocument(
  vconUuid: string,
  { vcon, signedUuid }: OpenDocument,
  step: Step,
): Promise<string> {
  step.signal.throwIfAborted();
  const now = new Date().toISOString();
  if (signedUuid === undefined) {
    await step.vcons.write(vconUuid, JSON.stringify({ ...vcon, updated_at: now }));
    return vconUuid;
  }
  const uuid = randomUUID();
  const amended = { ...vcon, uuid, created_at: now, amended: { uuid: signedUuid } };
  await step.vcons.write(uuid, JSON.stringify(amended));
  return uuid;
}

/** Who wrote the analyses that the demo's links add. */
const VENDOR = 'vcon-otel-demo';

/** The vCon with an analysis of ours, in place of an earlier one of the same type. */
export function withAnalysis(vcon: Vcon, type: string, entry: Readonly<Record<string, unknown>>): Vcon {
  const others = (vcon.analysis ?? []).filter(
    (other) => !isRecord(other) || other.vendor !== VENDOR || other.type !== type,
  );
  return { ...vcon, analysis: [...others, { type, vendor: VENDOR, ...entry }] };
}
