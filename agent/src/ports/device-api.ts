import type { ReportsReply, ReportsRequest } from '@ringfleet/shared/protocol';

/** `wipe` names a wipe order that waits. */
export type AssignmentReply = { readonly wipe?: string } & (
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'document'; readonly text: string; readonly etag: string | null }
);

/**
 * The server's device API. Everything it returns is untrusted bytes. Throws SERVER_UNREACHABLE when nobody answers,
 * SERVER_REFUSED on an error status, ABORTED.
 */
export interface DeviceApi {
  assignment(etag: string | null, signal: AbortSignal): Promise<AssignmentReply>;
  /** Null when there is no such file. */
  metadata(file: string, signal: AbortSignal): Promise<string | null>;
  /** Shows the server a signed document that it may have lost; whether that was news to it. */
  bringBack(file: string, document: string, signal: AbortSignal): Promise<boolean>;
  /** Bytes from `from` on; `startsAt` is 0 when the server sent the whole file nevertheless. */
  artifact(
    digest: string,
    from: number,
    signal: AbortSignal,
  ): Promise<{ readonly startsAt: number; readonly bytes: AsyncIterable<Uint8Array> }>;
  /** The wipe order that waits for this device; null when none does. */
  wipeOrder(signal: AbortSignal): Promise<string | null>;
  reports(request: ReportsRequest, signal: AbortSignal): Promise<ReportsReply>;
}
