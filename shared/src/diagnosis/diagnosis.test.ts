import { expect, it } from 'vitest';
import { diagnose, diagnosisText, exitCodeOfDiagnosis, failed, ok, warning } from './diagnosis.ts';

const good = ok('disk', '5 GB free');
const odd = warning('memory', 'little', 'add some');
const dns = failed('dns', 'no such host', 'ask the site');

it('ends with one line that says whether the device is ready', () => {
  expect(diagnose([good]).verdict).toBe('ready');
  expect(diagnose([good, odd]).verdict).toBe('ready, but look at: memory');
  const text = diagnosisText(diagnose([good, odd, dns]));
  expect(text.trimEnd().split('\n').at(-1)).toBe('verdict: not ready: dns must be mended');
  expect(text).toContain('→ ask the site');
});

it('tells a site that cannot be reached from a device that is broken', () => {
  expect(exitCodeOfDiagnosis(diagnose([good, odd]))).toBe(0);
  expect(exitCodeOfDiagnosis(diagnose([dns]))).toBe(4);
  expect(exitCodeOfDiagnosis(diagnose([dns, failed('disk', 'full', 'tidy')]))).toBe(1);
});
