import { generateKeyPairSync } from 'node:crypto';
import type { EnrollPending, EnrollReply } from '@ringfleet/shared/protocol';
import { expect, it } from 'vitest';
import { untilApproved } from './approval-wait.ts';

const keyPem = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const pending: EnrollPending = { state: 'pending', device: 'd', pollAfterMs: 1_000, expiresAt: 5 };

function waitOf(answers: readonly (EnrollPending | EnrollReply)[]) {
  let nowMs = 0;
  const left = [...answers];
  const shown: string[] = [];
  const work = untilApproved(async () => left.shift() ?? pending, {
    id: 'd',
    keyPem,
    approvalMs: 10_000,
    onPending: ({ code }) => shown.push(code),
    clock: {
      nowMs: () => nowMs,
      random: () => 0,
      sleep: async (ms) => {
        nowMs += ms;
      },
    },
  });
  return { work, shown };
}

it('shows the code of its own key once and goes on asking', async () => {
  const reply = { device: 'd' } as EnrollReply;
  const { work, shown } = waitOf([pending, pending, reply]);
  expect(await work).toBe(reply);
  expect(shown).toEqual([expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{8}$/)]);
});

it('gives up at its deadline', async () => {
  await expect(waitOf([]).work).rejects.toMatchObject({ code: 'APPROVAL_TIMEOUT' });
});
