/** Writes a message. */
export interface Encoder<Message> {
  encode(message: Message): { finish(): Uint8Array };
}

export const ExportTraceServiceResponse: Encoder<{
  readonly partialSuccess?: { readonly rejectedSpans: number; readonly errorMessage: string };
}>;
export const Status: Encoder<{ readonly code: number; readonly message: string }>;
