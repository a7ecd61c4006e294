import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LiveFleet } from './live-fleet.fixture.ts';

/** One fleet for all: what follows happens to the same device, one thing after the other. */
let fleet: LiveFleet;
beforeAll(async () => {
  fleet = await LiveFleet.start();
  for (const name of ['ann', 'ben', 'cleo']) {
    await fleet.cli('trust', 'key', 'create', name, '--dir', join(fleet.dir, 'people'));
  }
  await fleet.publish('1.0.0');
  await fleet.assign('1.0.0');
  await fleet.untilRunning('1.0.0');
}, 120_000);
afterAll(() => fleet?.end());

const key = (name: string) => join(fleet.dir, 'people', `${name}.key.json`);
const pub = (name: string) => join(fleet.dir, 'people', `${name}.pub.json`);
const draft = (name: string) => join(fleet.trust, 'drafts', `${name}.draft.json`);
const publishTrust = () => fleet.cli('trust', 'publish', '--dir', fleet.trust);

describe('a live device', () => {
  it('follows from the one-key development root to one of 2 of 3 people', async () => {
    await fleet.cli(
      ...['trust', 'root', 'rotate', '--dir', fleet.trust, '--root-threshold', '2'],
      ...['--root-key', pub('ann'), pub('ben'), pub('cleo')],
    );
    for (const file of [key('ann'), key('ben'), join(fleet.trust, 'keys', 'root.key.json')]) {
      await fleet.cli('trust', 'root', 'sign', draft('2.root'), '--key', file);
    }
    expect(await publishTrust()).toContain('2.root.json');
    const status = JSON.parse(await fleet.cli('trust', 'status', '--json'));
    expect(status).toMatchObject({
      isDevelopment: false,
      roles: [{ role: 'root', version: 2, threshold: 2 }, {}, {}, {}, {}, {}],
    });
    await fleet.publish('1.1.0');
    await fleet.assign('1.1.0');
    await fleet.untilRunning('1.1.0');
  }, 120_000);

  it('refuses a root that one of the three signed, though a thief of the server hands it out', async () => {
    await fleet.cli('trust', 'root', 'renew', '--dir', fleet.trust);
    await fleet.cli('trust', 'root', 'sign', draft('3.root'), '--key', key('ann'));
    const { document } = JSON.parse(await readFile(draft('3.root'), 'utf8')) as { document: string };
    const asked = fleet.server.call('PUT', 'trust/root', JSON.parse(document));
    await expect(asked).rejects.toThrow('THRESHOLD_NOT_MET');
    const planted = new Database(fleet.controlDatabase);
    planted
      .prepare("INSERT INTO trust_documents (role, version, document) VALUES ('root', 3, ?)")
      .run(document);
    await fleet.publish('1.2.0');
    await fleet.assign('1.2.0');
    await fleet.untilRefused('THRESHOLD_NOT_MET');
    expect(await fleet.running()).toBe('1.1.0');
    planted.prepare("DELETE FROM trust_documents WHERE role = 'root' AND version = 3").run();
    planted.close();
    await rm(draft('3.root'));
    await fleet.untilRunning('1.2.0');
  }, 120_000);

  it('rolls back down to the floor that the publisher raised, and no further', async () => {
    await fleet.cli('release', 'floor', 'tiny@1.1.0', '--trust', fleet.trust);
    expect(await publishTrust()).toContain('m.tiny.json');
    await fleet.assign('1.1.0');
    await fleet.untilRunning('1.1.0');
    await fleet.assign('1.0.0');
    await fleet.untilRefused('RELEASE_BELOW_FLOOR');
    expect(await fleet.running()).toBe('1.1.0');
  }, 120_000);

  it('installs nothing more by a revoked key, keeps what runs, and goes on when another key signed again', async () => {
    await fleet.cli(
      ...['trust', 'delegate', '--dir', fleet.trust, '--model', 'tiny', '--threshold', '1'],
      ...['--key', pub('ann'), join(fleet.trust, 'keys', 'tiny.pub.json')],
    );
    const revoked = join(fleet.trust, 'keys', 'tiny.pub.json');
    await fleet.cli('trust', 'revoke', '--dir', fleet.trust, '--key', revoked);
    expect(await publishTrust()).toContain('targets.json');
    await fleet.assign('1.2.0');
    await fleet.untilRefused('KEY_UNKNOWN');
    expect(await fleet.running()).toBe('1.1.0');
    await fleet.cli('release', 'renew', 'tiny', '--trust', fleet.trust, '--key', key('ann'));
    expect(await publishTrust()).toContain('m.tiny.json');
    await fleet.untilRunning('1.2.0');
  }, 120_000);
});
