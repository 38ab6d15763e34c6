import { DeliveryError } from '../model/delivery-error.ts';

/** Spans that could not be exported. `code` is what logs show as `error.type`; without `permanent` they are sent again. */
export class ExportError extends DeliveryError {
  readonly code: string;

  constructor(message: string, code: string, details: { readonly permanent?: boolean } = {}) {
    super(message, details);
    this.name = 'ExportError';
    this.code = code;
  }
}
