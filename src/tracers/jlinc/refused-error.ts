import { DeliveryError } from '../../model/delivery-error.ts';

/** A request was answered in a way that a repeat hardly changes (401, 403, 404 …), or with something that is not JSON. */
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
