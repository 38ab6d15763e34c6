import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the recordings are, if they are there. */
export const CAPTURES = join(import.meta.dirname, '../../../shared/captures');

/** Why the recordings of the Python conserver cannot be read; undefined where they can. */
export const NO_CAPTURES = existsSync(CAPTURES) ? undefined : `there is no ${CAPTURES}`;

/** A request of a recording, in both encodings. */
export interface CapturedRequest {
  readonly name: string;
  readonly protobuf: Buffer;
  readonly json: Buffer;
}

/** Every `/v1/traces` request of every recording, or of one. Empty where there are none. */
export function capturedRequests(recording?: string): CapturedRequest[] {
  if (NO_CAPTURES) return [];
  const recordings = readdirSync(CAPTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return recordings
    .filter(({ name }) => recording === undefined || name === recording)
    .flatMap(({ name }) => {
      const folder = join(CAPTURES, name);
      const json = JSON.parse(readFileSync(join(folder, 'requests.json'), 'utf8')) as unknown[];
      return json.map((request, index) => {
        const file = `${String(index).padStart(3, '0')}.bin`;
        return {
          name: `${name}/${file}`,
          protobuf: readFileSync(join(folder, 'requests', file)),
          json: Buffer.from(JSON.stringify(request)),
        };
      });
    });
}

/** The records that a forwarding tracer sent in a recording. */
export function capturedRecords(recording: string): unknown[] {
  if (NO_CAPTURES) return [];
  const lines = readFileSync(join(CAPTURES, recording, 'forwarder.jsonl'), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as unknown);
}
