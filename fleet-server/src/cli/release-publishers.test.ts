import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { readModelRole, verifyModelRole } from '@ringfleet/shared/trust';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeSource } from '../release-build/release-fixture.ts';
import { Ceremony } from './ceremony.fixture.ts';
import { TrustFolder } from './trust-folder.ts';

/** Each key that is locked or opened takes its half second of scrypt, more on a busy machine. */
const SLOW = { timeout: 60_000 };

let once: string;
let at: Ceremony;
// Keys and releases take seconds: made once, copied for every test.
beforeAll(async () => {
  once = await Ceremony.prepare();
  const made = await Ceremony.start(once);
  for (const version of ['1.0.0', '1.1.0']) {
    const source = await writeSource(made.path('source'), (s) => Object.assign(s, { version }));
    await made.json('release', 'build', source, '--out', made.path('dist'));
  }
  await cp(made.path('dist'), `${once}/dist`, { recursive: true });
  await made.end();
}, 120_000);
afterAll(() => rm(once, { recursive: true, force: true }));
beforeEach(async () => {
  at = await Ceremony.start(once);
});
afterEach(() => at.end());

const dist = (version: string) => at.path('dist', `tiny-${version}`);
const sign = (version: string, ...more: readonly string[]) =>
  at.run('release', 'sign', dist(version), '--trust', at.trust, ...more);
const publish = (version: string) => at.run('release', 'publish', dist(version), '--trust', at.trust);
const byTwoOfThree = () =>
  at.json(
    ...['trust', 'delegate', '--dir', at.trust, '--model', 'tiny', '--threshold', '2'],
    ...['--key', at.pub('ann'), at.pub('ben'), at.pub('cleo')],
  );
const role = async () => {
  const folder = new TrustFolder(at.trust);
  return verifyModelRole(
    (await folder.verified()).targets,
    'tiny',
    await folder.metadata('m.tiny.json'),
    Date.now(),
  );
};
const DRAFT = 'drafts/1.m.tiny.draft.json';

describe('a release of several publishers', SLOW, () => {
  it('is signed by each in turn, and complete with the last that is needed', async () => {
    await byTwoOfThree();
    const first = await sign('1.0.0', '--key', at.key('ann'));
    expect(first.out).toMatch(/waits for more signatures[\s\S]*1 of 2 signed; still 1 of/);
    expect((await sign('1.0.0', '--key', at.key('ann'))).out).toMatch(/1 of 2 signed/);
    expect((await sign('1.0.0', '--key', at.key('ben'))).out).toContain('is signed');
    expect((await role()).releases.map((one) => one.version)).toEqual(['1.0.0']);
  });

  it('is not published below the threshold: it is said who is missing, and nothing is sent', async () => {
    await byTwoOfThree();
    await sign('1.0.0', '--key', at.key('ann'));
    const { code, err } = await publish('1.0.0');
    expect([code, err]).toEqual([3, expect.stringContaining('THRESHOLD_NOT_MET')]);
    expect(err).toMatch(/1 of 2 signatures; still to sign: 1 of/);
  });

  it('takes no key of another, and no second release while one waits', async () => {
    await byTwoOfThree();
    expect((await sign('1.0.0', '--key', at.key('eve'))).err).toContain('KEY_UNKNOWN');
    await sign('1.0.0', '--key', at.key('ann'));
    expect((await sign('1.1.0', '--key', at.key('ben'))).err).toContain('DRAFT_OPEN');
  });

  it('is not signed when the draft holds more than this release', async () => {
    await byTwoOfThree();
    await sign('1.0.0', '--key', at.key('ann'));
    const draft = JSON.parse(await readFile(at.path('trust', DRAFT), 'utf8'));
    const document = JSON.parse(draft.document);
    document.signed.minReleaseCounter = 0;
    const changed = { ...draft, document: JSON.stringify(document) };
    await writeFile(at.path('trust', DRAFT), JSON.stringify(changed));
    const { code, err } = await sign('1.0.0', '--key', at.key('ben'));
    expect([code, err]).toEqual([3, expect.stringContaining('DRAFT_CHANGED')]);
  });

  it('is signed again by new keys when the delegation changes', async () => {
    await sign('1.0.0');
    await byTwoOfThree();
    expect((await publish('1.0.0')).err).toContain('THRESHOLD_NOT_MET');
    const renewed = await at.json('release', 'renew', 'tiny', '--trust', at.trust, '--key', at.key('ann'));
    await at.json('trust', 'sign', String(renewed['draft']), '--key', at.key('cleo'));
    expect(await role()).toMatchObject({ version: 2, releases: [{ version: '1.0.0', releaseCounter: 1 }] });
  });
});

describe('release floor', SLOW, () => {
  it('raises the floor to a release, and never lowers it', async () => {
    await sign('1.0.0');
    await sign('1.1.0');
    const { code, err } = await at.run('release', 'floor', 'tiny@1.1.0', '--trust', at.trust);
    expect([code, err]).toEqual([0, expect.stringContaining('No longer installable: 1.0.0')]);
    expect((await role()).minReleaseCounter).toBe(2);
    const lower = await at.run('release', 'floor', 'tiny@1.0.0', '--trust', at.trust);
    expect([lower.code, lower.err]).toEqual([5, expect.stringContaining('FLOOR_NOT_HIGHER')]);
    const text = await new TrustFolder(at.trust).metadata('m.tiny.json');
    expect(readModelRole(text).version).toBe(3);
  });
});
