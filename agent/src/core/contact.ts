import type { ErrorCode } from '@ringfleet/shared/errors';

const NO_CONTACT: ReadonlySet<string> = new Set<ErrorCode>([
  'SERVER_UNREACHABLE',
  'SERVER_REFUSED',
  'NAME_NOT_RESOLVED',
  'PROXY_UNREACHABLE',
  'PROXY_REFUSED',
  'TLS_INTERCEPTED',
  'FOREIGN_ANSWER',
  'SERVER_SILENT',
  'DOWNLOAD_TOO_SLOW',
  'ABORTED',
]);

/** Whether a code says only that the server was not spoken to: it is tried again, and nothing counts as refused. */
export const isNoContact = (code: string): boolean => NO_CONTACT.has(code);
