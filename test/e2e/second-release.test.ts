import { afterEach, describe, expect, it } from 'vitest';
import { type DemoRun, removeRun, runDemo } from './demo-run.ts';

describe('the second release decides by what it is, not by its name', () => {
  let run: DemoRun | undefined;
  afterEach(async () => {
    if (run) await removeRun(run);
  });

  it('lets 1.1.0 through when it is built again as 1.2.0', async () => {
    run = await runDemo('--second', 'rebuilt', '--short');
    expect(run.line).toMatchObject({ ok: true, failedAnswers: 0, wrongAnswers: 0, lostReports: 0 });
    const committed = run.line.timeline.filter(
      (entry) => entry.to === '1.2.0' && entry.state === 'idle' && entry.code === null,
    );
    expect(new Set(committed.map((entry) => entry.device)).size).toBe(4);
  });

  it('catches a release with any one pair of labels merged, drawn from a printed seed', async () => {
    run = await runDemo('--second', 'pair', '--short');
    expect(run.output).toMatch(/seed \d+: every \d was labelled \d/);
    expect(run.line, `seed ${run.line.seed}`).toMatchObject({ ok: true, failedAnswers: 0, wrongAnswers: 0 });
    const seen = run.line.timeline.filter((entry) => entry.to === '1.2.0');
    expect(new Set(seen.map((entry) => entry.ring)), `seed ${run.line.seed}`).toEqual(new Set(['canary']));
    expect(
      run.line.timeline.filter((entry) => entry.from === '1.2.0' && entry.state === 'idle'),
      `seed ${run.line.seed}`,
    ).toEqual([]);
  });
});
