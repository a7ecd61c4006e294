import { CodedError, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';
import type { Ack, Envelope, Stream, Telemetry } from '@ringfleet/shared/protocol';
import type { Opened, OutboxStats, Save } from '../ports/journal.ts';
import type { TimeStore } from '../ports/time-store.ts';
import type { TrustStore } from '../ports/trust-store.ts';

type Verifying = TrustStore & TimeStore;
interface TrustCall<K extends keyof Verifying> {
  args: Parameters<Verifying[K]>;
  result: Awaited<ReturnType<Verifying[K]>>;
}

/** What the agent's loop asks of the worker thread: name → arguments and result. */
export interface JournalCalls {
  open: {
    args: [{ stateDir: string; maxOutboxBytes: number; fleet: string; device: string }];
    result: Opened;
  };
  save: { args: [Save]; result: undefined };
  writeTelemetry: { args: [number, Telemetry, boolean]; result: undefined };
  window: { args: [{ maxRows: number; maxBytes: number }]; result: readonly Envelope[] };
  acknowledge: { args: [Ack, number]; result: number };
  stats: { args: []; result: OutboxStats };
  oldest: { args: []; result: Readonly<Record<Stream, number>> };
  lastStored: { args: []; result: { readonly start: number; readonly seq: number } | null };
  timeBasis: TrustCall<'timeBasis'>;
  acceptTime: TrustCall<'acceptTime'>;
  refreshRoot: TrustCall<'refreshRoot'>;
  confirm: TrustCall<'confirm'>;
  kept: TrustCall<'kept'>;
  verifyWipe: TrustCall<'verifyWipe'>;
  inspect: TrustCall<'inspect'>;
  accept: TrustCall<'accept'>;
  takeBundle: TrustCall<'takeBundle'>;
  sha256OfFile: { args: [string]; result: string | null };
  close: { args: []; result: undefined };
}
export type JournalCall = keyof JournalCalls;

export interface CallMessage {
  readonly id: number;
  readonly call: JournalCall;
  readonly args: readonly unknown[];
}

export type ReplyMessage =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string; readonly at?: string };
    };

/** Errors lose their class between threads; their code, sentence and place travel. */
export function packError(err: unknown): Extract<ReplyMessage, { ok: false }>['error'] {
  if (err instanceof CodedError) {
    return { code: err.code, message: err.message, ...(err.at === undefined ? {} : { at: err.at }) };
  }
  return { code: 'AGENT_INTERNAL', message: err instanceof Error ? err.message : String(err) };
}

export function unpackError(error: Extract<ReplyMessage, { ok: false }>['error']): CodedError {
  const code = lookUpCode(error.code) ? (error.code as ErrorCode) : 'AGENT_INTERNAL';
  return new CodedError(code, error.message, error.at === undefined ? {} : { at: error.at });
}
