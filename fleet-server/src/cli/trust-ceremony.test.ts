import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { readRoot, readTargets, verifyRoot } from '@ringfleet/shared/trust';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Ceremony } from './ceremony.fixture.ts';
import { TrustFolder } from './trust-folder.ts';

/** Each key that is locked or opened takes its half second of scrypt, more on a busy machine. */
const SLOW = { timeout: 60_000 };

let once: string;
let at: Ceremony;
beforeAll(async () => {
  once = await Ceremony.prepare();
}, 60_000);
afterAll(() => rm(once, { recursive: true, force: true }));
beforeEach(async () => {
  at = await Ceremony.start(once);
});
afterEach(() => at.end());

const folder = () => new TrustFolder(at.trust);
const rotate = (...more: readonly string[]) =>
  at.run(
    ...['trust', 'root', 'rotate', '--dir', at.trust, '--root-threshold', '2'],
    ...['--root-key', at.pub('ann'), at.pub('ben'), at.pub('cleo'), ...more],
  );
const DRAFT = 'drafts/2.root.draft.json';
const sign = (key: string, draft = at.path('trust', DRAFT)) =>
  at.run('trust', 'root', 'sign', draft, '--key', key);
/** From the development root to 2 of 3. */
async function rotated(): Promise<void> {
  await rotate();
  for (const key of [at.own('root'), at.key('ann'), at.key('ben')]) expect((await sign(key)).code).toBe(0);
}

describe('trust key create', SLOW, () => {
  it('makes a locked key that only its owner can read, and never overwrites one', async () => {
    expect((await stat(at.key('ann'))).mode & 0o777).toBe(0o600);
    const before = await readFile(at.key('ann'), 'utf8');
    const again = await at.run('trust', 'key', 'create', 'ann', '--dir', at.path('people'));
    expect(again.err).toContain('KEY_FILE_EXISTS');
    expect(await readFile(at.key('ann'), 'utf8')).toBe(before);
  });
});

describe('trust root rotate', SLOW, () => {
  it('drafts the next root and says who must sign by the old and by the new threshold', async () => {
    const { code, out } = await rotate();
    expect(code).toBe(0);
    expect(out).toMatch(/root 1, today's: 0 of 1 signed/);
    expect(out).toMatch(/root 2, the new one: 0 of 2 signed; still 2 of: ann \(.*ben \(.*cleo \(/);
    expect(out).toContain('trust sign');
    expect((await folder().roots()).map((one) => one.version)).toEqual([1]);
  });

  it('comes into force with both thresholds, not before, and is no development root any more', async () => {
    await rotate();
    expect((await sign(at.key('ann'))).out).toMatch(/today's: 0 of 1/);
    expect((await sign(at.key('ben'))).out).toMatch(/the new one: complete/);
    expect((await folder().roots()).map((one) => one.version)).toEqual([1]);
    expect((await sign(at.own('root'))).out).toContain('in force here');
    const [first, second] = await folder().roots();
    const root = verifyRoot(first?.text ?? '', second?.text ?? '', Date.now());
    expect(root).toMatchObject({ version: 2, isDevelopment: false });
    expect(root.roles.root).toMatchObject({ threshold: 2 });
    expect(await readdir(at.path('trust', 'drafts'))).toEqual([]);
    // The targets role goes on under the new root.
    expect((await folder().verified()).targets.version).toBe(1);
  });

  it('counts the same key once and refuses the key of a stranger', async () => {
    await rotate();
    await sign(at.key('ann'));
    expect((await sign(at.key('ann'))).out).toMatch(/the new one: 1 of 2/);
    const stranger = await sign(at.key('eve'));
    expect([stranger.code, stranger.err]).toEqual([3, expect.stringContaining('KEY_UNKNOWN')]);
  });

  it('is signed on other machines and comes back by hand, in copies', async () => {
    await rotate();
    await mkdir(at.path('stick'));
    const copies = await Promise.all(
      [at.key('ann'), at.key('ben'), at.own('root')].map(async (key, i) => {
        const copy = at.path('stick', `${i}.draft.json`);
        await copyFile(at.path('trust', DRAFT), copy);
        expect((await sign(key, copy)).code).toBe(0);
        return copy;
      }),
    );
    const two = await at.run('trust', 'accept', ...copies.slice(0, 2), '--dir', at.trust);
    expect(two.out).toMatch(/today's: 0 of 1/);
    const all = await at.run('trust', 'accept', copies[2] ?? '', '--dir', at.trust);
    expect(all.out).toContain('in force here');
  });

  it('does not take back a draft that was changed on its way', async () => {
    await rotate();
    await sign(at.key('ann'));
    const draft = JSON.parse(await readFile(at.path('trust', DRAFT), 'utf8'));
    const changed = { ...draft, document: draft.document.replace('"version": 2', '"version": 3') };
    await writeFile(at.path('changed.json'), JSON.stringify(changed));
    const back = await at.run('trust', 'accept', at.path('changed.json'), '--dir', at.trust);
    expect([back.code, back.err]).toEqual([3, expect.stringContaining('METADATA_MALFORMED')]);
  });

  it('shows each signer what changes before asking for the key, and writes nothing on --dry-run', async () => {
    await rotate();
    const before = await readFile(at.path('trust', DRAFT), 'utf8');
    const { out, err } = await at.run(
      ...['trust', 'root', 'sign', at.path('trust', DRAFT), '--key', at.key('ann'), '--dry-run'],
    );
    expect(err).toMatch(/root version 2[\s\S]*root: \* was 1, now 2 of 3: \+.*, -root/);
    expect(out).toContain('Nothing was written');
    expect(await readFile(at.path('trust', DRAFT), 'utf8')).toBe(before);
  });

  it('refuses a threshold above the number of different keys, and a second draft', async () => {
    const same = await at.run(
      ...['trust', 'root', 'rotate', '--dir', at.trust, '--root-threshold', '2'],
      ...['--root-key', at.pub('ann'), at.pub('ann')],
    );
    expect(same.err).toContain('THRESHOLD_IMPOSSIBLE');
    await rotate();
    expect((await rotate()).err).toContain('DRAFT_OPEN');
  });

  it('stays a development root while one key decides', async () => {
    await at.run(
      ...['trust', 'root', 'rotate', '--dir', at.trust, '--root-key', at.pub('ann'), '--root-threshold', '1'],
    );
    await sign(at.own('root'));
    await sign(at.key('ann'));
    expect((await folder().newestRoot()).root).toMatchObject({ version: 2, isDevelopment: true });
  });

  it('starts a new director epoch with a new online key', async () => {
    await rotate('--online-key', at.pub('eve'));
    const draft = JSON.parse(await readFile(at.path('trust', DRAFT), 'utf8'));
    expect(readRoot(draft.document).director.epoch).toBe(2);
  });

  it('has targets signed again when their keys change', async () => {
    await rotate('--targets-key', at.pub('cleo'), '--targets-threshold', '1');
    for (const key of [at.own('root'), at.key('ann'), at.key('ben')]) await sign(key);
    await expect(folder().verified()).rejects.toThrow(/trust targets renew/);
    await at.run('trust', 'targets', 'renew', '--dir', at.trust);
    const done = await at.run(
      ...['trust', 'targets', 'sign', at.path('trust', 'drafts/2.targets.draft.json')],
      ...['--key', at.key('cleo')],
    );
    expect(done.out).toContain('in force here');
    expect((await folder().verified()).targets.version).toBe(2);
  });
});

describe('trust delegate', SLOW, () => {
  const delegate = (threshold: string, ...names: readonly string[]) =>
    at.run(
      ...['trust', 'delegate', '--dir', at.trust, '--model', 'tiny', '--threshold', threshold],
      ...['--key', ...names.map((name) => at.pub(name))],
    );

  it('is in force at once where one targets key is enough', async () => {
    expect((await delegate('2', 'ann', 'ben', 'cleo')).out).toContain('in force here');
    const { targets } = await folder().verified();
    expect(targets.version).toBe(2);
    expect(targets.models.get('tiny')).toMatchObject({ threshold: 2 });
    expect(targets.models.get('tiny')?.keys.size).toBe(3);
    expect(readTargets(await folder().metadata('1.targets.json')).version).toBe(1);
  });

  it('adds a model and leaves the others alone', async () => {
    await at.run(
      ...['trust', 'delegate', '--dir', at.trust, '--model', 'keyword', '--key', at.pub('ann')],
      ...['--threshold', '1'],
    );
    expect([...(await folder().verified()).targets.models.keys()]).toEqual(['tiny', 'keyword']);
  });

  it('refuses a threshold that its keys cannot reach', async () => {
    const refused = await delegate('3', 'ann', 'ben');
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('THRESHOLD_IMPOSSIBLE')]);
  });
});

describe('trust revoke', SLOW, () => {
  const revoke = (key: string) => at.run('trust', 'revoke', '--dir', at.trust, '--key', key);

  it('drafts a root without the key, in which the threshold can still be met', async () => {
    await rotated();
    expect((await revoke(at.pub('cleo'))).code).toBe(0);
    const draft = at.path('trust', 'drafts/3.root.draft.json');
    for (const name of ['ann', 'ben']) await sign(at.key(name), draft);
    expect((await folder().newestRoot()).root.roles.root.keys.size).toBe(2);
    expect((await revoke(at.pub('ben'))).err).toContain('KEY_STILL_NEEDED');
  });

  it("takes a publisher's key out and says what must be signed again", async () => {
    await at.run(
      ...['trust', 'delegate', '--dir', at.trust, '--model', 'tiny', '--threshold', '1'],
      ...['--key', at.pub('ann'), at.pub('ben')],
    );
    const { code, err } = await revoke(at.pub('ann'));
    expect([code, err]).toEqual([0, expect.stringContaining('release renew tiny')]);
    expect((await folder().verified()).targets.models.get('tiny')?.keys.size).toBe(1);
  });

  it("refuses a key that nothing names, and the server's own", async () => {
    expect((await revoke(at.pub('eve'))).err).toContain('KEY_NOT_IN_USE');
    expect((await revoke(at.path('online.pub.json'))).err).toContain('--online-key');
  });
});
