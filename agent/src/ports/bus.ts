import type { Ack, Command, Desired, Envelope, Hello, Notice } from '@ringfleet/shared/protocol';

/** What arrives from the server. All of it is checked against its schema; `desired` is still untrusted content. */
export interface BusEvents {
  connected(): void;
  disconnected(): void;
  /** A way to the server led nowhere, or went silent. Called at every try. */
  failed(err: unknown): void;
  desired(message: Desired): void;
  ack(ack: Ack): void;
  command(command: Command): void;
  /** The server's own words about this device: it does not let it in, or something around it is wrong. */
  notice(kind: 'refused' | 'warning', notice: Notice): void;
}

/**
 * The live connection to the server. It reconnects by itself for ever; messages are lost when it is not connected, so
 * whatever must arrive is kept elsewhere until it is acknowledged end to end.
 */
export interface Bus {
  start(events: BusEvents): void;
  readonly isConnected: boolean;
  hello(hello: Hello): Promise<void>;
  /** Resolves when the broker has it, which is not yet an acknowledgement. Rejects when the connection goes. */
  report(envelope: Envelope): Promise<void>;
  stop(): Promise<void>;
}
