/** What the server's parts log with; pino fits. Fields first, then a constant sentence. */
export interface Log {
  debug(fields: object, msg: string): void;
  info(fields: object, msg: string): void;
  warn(fields: object, msg: string): void;
  error(fields: object, msg: string): void;
}

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Milliseconds since the epoch. */
export type Clock = () => number;
