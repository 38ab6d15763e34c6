import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the recordings are. */
export const CAPTURES = join(import.meta.dirname, '../../../shared/captures');

/** Why the recordings of the Python conserver cannot be read; undefined where they can. */
export const NO_CAPTURES = existsSync(CAPTURES) ? undefined : `there is no ${CAPTURES}`;

/** A request of a recording, in both encodings. */
export interface CapturedRequest {
  readonly name: string;
  readonly protobuf: Buffer;
  readonly json: Buffer;
}

/** The recordings of the Python conserver, by name. */
export function captureNames(): string[] {
  if (NO_CAPTURES) return [];
  const entries = readdirSync(CAPTURES, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** A file of a recording. */
export function capturedFile(recording: string, file: string): string {
  return readFileSync(join(CAPTURES, recording, file), 'utf8');
}

/** Every `/v1/traces` request of every recording, or of one. Empty where there are none. */
export function capturedRequests(recording?: string): CapturedRequest[] {
  return captureNames()
    .filter((name) => recording === undefined || name === recording)
    .flatMap((name) => {
      const json = JSON.parse(capturedFile(name, 'requests.json')) as unknown[];
      return json.map((request, index) => {
        const file = `${String(index).padStart(3, '0')}.bin`;
        return {
          name: `${name}/${file}`,
          protobuf: readFileSync(join(CAPTURES, name, 'requests', file)),
          json: Buffer.from(JSON.stringify(request)),
        };
      });
    });
}

/** The records that a forwarding tracer sent in a recording. */
export function capturedRecords(recording: string): unknown[] {
  if (NO_CAPTURES) return [];
  const lines = capturedFile(recording, 'forwarder.jsonl').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as unknown);
}
