import { DeliveryError } from '../../model/delivery-error.ts';

/** The answer to a request is unlikely to change with a repeat (401, 403, 404 …), or is not JSON. */
export class RefusedError extends DeliveryError {
  readonly code: string;
  /** Which of an event's requests it was. */
  readonly request: string;

  constructor(request: string, code: string, permanent = false) {
    super(`JLINC refused a request (${code})`, { permanent });
    this.name = 'RefusedError';
    this.code = code;
    this.request = request;
  }
}
