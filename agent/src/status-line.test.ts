import { expect, it } from 'vitest';
import { emptyState } from './core/update-state.ts';
import { statusLine } from './status-line.ts';

const agent = {
  fleet: 'lab',
  device: 'edge-1',
  isConnected: true,
  isHeard: true,
  isWritable: true,
  fault: null,
};

it('says who, what and whether the server is reached, in one line', () => {
  const models = [emptyState('meter', 0)];
  expect(statusLine({ ...agent, models })).toBe('edge-1 of lab: meter none; connected');
  expect(statusLine({ ...agent, models, isWritable: false })).toContain('; disk takes no writes; connected');
  expect(statusLine({ ...agent, models: [], isConnected: false, isHeard: false })).toBe(
    'edge-1 of lab: no model assigned; server not reached, reports wait',
  );
  const cut = { ...agent, models: [], isConnected: false, fault: 'PROXY_REFUSED' };
  expect(statusLine({ ...cut, isHeard: false })).toContain(
    '; server not reached (PROXY_REFUSED), reports wait',
  );
  expect(statusLine(cut)).toContain('; connected by HTTP only (PROXY_REFUSED)');
});

it('names few models and counts the rest', () => {
  const models = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => emptyState(name, 0));
  expect(statusLine({ ...agent, models })).toContain('d none, 2 more;');
});
