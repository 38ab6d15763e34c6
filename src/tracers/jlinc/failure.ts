import { DeliveryError, type DeliveryErrorDetails } from '../../model/delivery-error.ts';

/** Everything that can go wrong apart from the network, as a closed set. */
export type JlincErrorCode =
  | 'VCON_MISSING'
  | 'VCON_INVALID'
  | 'VCON_TOO_LARGE'
  | 'NO_DOMAIN'
  | 'NO_ENTITY'
  | 'ENTITY_INVALID'
  | 'NOT_JSON'
  | 'RECEIPT_INVALID'
  | 'RECEIPT_NOT_KEPT';

/** A failure of the JLINC tracer. `code` is its `error.type`; the message holds no part of a document or of an answer. */
export class JlincError extends DeliveryError {
  readonly code: JlincErrorCode;

  constructor(code: JlincErrorCode, message: string, details: DeliveryErrorDetails = {}) {
    super(message, details);
    this.name = 'JlincError';
    this.code = code;
  }
}
