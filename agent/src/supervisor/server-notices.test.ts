import type { EventReport } from '@ringfleet/shared/protocol';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { ServerNotices } from './server-notices.ts';

it('logs and reports what the server says once, however often it is said', () => {
  const lines: string[] = [];
  const reports: EventReport[] = [];
  const notices = new ServerNotices({
    log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    report: async (body) => void reports.push(body),
  });
  for (let i = 0; i < 3; i += 1) notices.take('refused', { code: 'CLONED_DEVICE', reason: 'Two agents.' });
  notices.take('warning', { code: 'CLONED_DEVICE', reason: 'Two agents.' });
  expect(lines).toHaveLength(2);
  expect(reports).toMatchObject([
    {
      kind: 'trust',
      severity: 'error',
      code: 'CLONED_DEVICE',
      message: 'The fleet server refuses this device: Two agents.',
    },
    { code: 'CLONED_DEVICE', message: 'The fleet server warns: Two agents.' },
  ]);
});
