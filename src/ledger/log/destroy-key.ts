import { KeyStore } from '../keys/key-store.ts';
import { leaveRequest, type Operator } from './requests.ts';

/** What became of a vCon's key. */
export interface Destroyed {
  /** Whether there was one. */
  readonly existed: boolean;
  /** The id that its record will have. */
  readonly recordId: string;
}

/** Destroys a vCon's key, and leaves word of that for the ledger. @param operator who does it */
export function destroyKey(directory: string, vconUuid: string, operator: Operator): Destroyed {
  const existed = new KeyStore(directory).destroy(vconUuid);
  const recordId = leaveRequest(directory, { ...operator, event: 'vcon_key_destroyed', vcon_uuid: vconUuid });
  return { existed, recordId };
}
