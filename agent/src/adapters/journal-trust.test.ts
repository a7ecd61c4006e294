import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildAssignment,
  buildModelRole,
  buildRoot,
  buildSnapshot,
  buildTargets,
  buildTime,
  buildTimestamp,
  type FileMeta,
  fileMetaOf,
  generateKeyPair,
  type RootContent,
  type Signer,
  signDocument,
  signerOf,
} from '@ringfleet/shared/trust';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JournalFiles, openJournalFiles } from './journal-files.ts';
import { TrustDocuments } from './journal-trust.ts';

const NOW_MS = Date.parse('2030-01-01T00:00:00Z');
const DAY_MS = 86_400_000;
const signer = (name: string): Signer =>
  signerOf(generateKeyPair(createHash('sha256').update(name).digest()).secretKey);
const OFFLINE = signer('offline');
const ONLINE = signer('online');
const PUBLISHER = signer('publisher');
const keys = (one: Signer) => ({ keys: [one.publicKey], threshold: 1 });
const SHA256 = 'ab'.repeat(32);

let dir: string;
let files: JournalFiles;
let trust: TrustDocuments;
/** What the server has. */
let served: Map<string, string>;
let view: Record<string, FileMeta>;
/** Why a model of the assignment taken last goes on as it was. */
let held: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ringfleet-trust-'));
  served = new Map();
  view = {};
  serveRoot({});
  mkdirSync(join(dir, 'trust'));
  writeFileSync(join(dir, 'trust', 'root.json'), served.get('1.root.json') ?? '');
  serve('targets', targets());
  serve('m.tiny', modelRole(1));
  serveView(1);
  files = openJournalFiles(dir);
  trust = new TrustDocuments(files.control, dir);
  trust.setDevice('lab', 'd-1');
});

afterEach(() => {
  files.close();
  rmSync(dir, { recursive: true });
});

function serveRoot(changes: Partial<RootContent>, signers = [OFFLINE]): void {
  const content: RootContent = {
    version: 1,
    expires: NOW_MS + 365 * DAY_MS,
    isDevelopment: true,
    root: keys(OFFLINE),
    targets: keys(OFFLINE),
    snapshot: keys(ONLINE),
    timestamp: keys(ONLINE),
    director: { ...keys(ONLINE), epoch: 1 },
    ...changes,
  };
  served.set(`${content.version}.root.json`, signDocument(buildRoot(content), signers));
}

const targets = (version = 1, publisher = PUBLISHER): string =>
  signDocument(
    buildTargets({
      version,
      expires: NOW_MS + 365 * DAY_MS,
      models: [{ model: 'tiny', ...keys(publisher) }],
    }),
    [OFFLINE],
  );

function modelRole(version: number, by = PUBLISHER, expires = NOW_MS + 365 * DAY_MS, floor = 1): string {
  const releases = [{ version: '1.0.0', releaseCounter: 1, length: 9, sha256: SHA256 }];
  const content = { model: 'tiny', version, expires, minReleaseCounter: floor, releases };
  return signDocument(buildModelRole(content), [by]);
}

function serve(role: string, text: string): void {
  view[`${role}.json`] = fileMetaOf(text);
  served.set(`${view[`${role}.json`]?.version}.${role}.json`, text);
}

function serveView(version: number, { expires = NOW_MS + 7 * DAY_MS, by = ONLINE } = {}): void {
  const snapshot = signDocument(buildSnapshot({ version, expires: NOW_MS + 30 * DAY_MS, meta: view }), [by]);
  served.set(`${version}.snapshot.json`, snapshot);
  const timestamp = buildTimestamp({ version, expires, snapshot: fileMetaOf(snapshot) });
  served.set('timestamp.json', signDocument(timestamp, [by]));
}

function assignment(generation: number, by = ONLINE, nowMs = NOW_MS, attempt = generation): string {
  const content = {
    fleet: 'lab',
    device: 'd-1',
    directorEpoch: 1,
    generation,
    tufVersion: generation,
    issuedAt: nowMs,
    expires: nowMs + DAY_MS,
    models: [
      {
        model: 'tiny',
        version: '1.0.0',
        manifestLength: 9,
        manifestSha256: SHA256,
        releaseCounter: 1,
        variants: ['cpu'],
        mode: 'run' as const,
        attempt,
        soakMs: 1,
        minInferences: 1,
        soakDeadlineMs: 10,
        installBefore: nowMs + DAY_MS,
      },
    ],
  };
  return signDocument(buildAssignment(content), [by]);
}

/** Takes an assignment as the intake does; the code of the refusal, or the generation. */
function take(document: string, nowMs = NOW_MS): string | number {
  held = [];
  const fetched: Record<string, string | null> = {};
  try {
    for (;;) {
      const outcome = trust.accept(document, fetched, nowMs);
      if (outcome.kind === 'accepted') {
        held = outcome.held.map((one) => one.code);
        return outcome.desired.generation;
      }
      fetched[outcome.file] = served.get(outcome.file) ?? null;
    }
  } catch (err) {
    return (err as { code: string }).code;
  }
}

/** The root that is served as number 1 now is pinned in place of the one before. */
function enrollAgain(): void {
  writeFileSync(join(dir, 'trust', 'root.json'), served.get('1.root.json') ?? '');
  trust = new TrustDocuments(files.control, dir);
  trust.setDevice('lab', 'd-1');
}

const versions = (): Record<string, number> =>
  Object.fromEntries(
    (
      files.control.prepare('SELECT role, version FROM trust_documents ORDER BY role').all() as {
        role: string;
        version: number;
      }[]
    ).map(({ role, version }) => [role, version]),
  );

describe('a device that has just enrolled', () => {
  const told = (minimum: Record<string, number>) =>
    writeFileSync(join(dir, 'trust', 'minimum.json'), JSON.stringify(minimum));
  const newest = { timestamp: 2, snapshot: 2, targets: 1, 'm.tiny': 2 };
  beforeEach(() => {
    serve('m.tiny', modelRole(2));
    serveView(2);
    told(newest);
  });

  it('takes what its token knew of, and everything newer', () => {
    expect(take(assignment(1))).toBe(1);
    serve('m.tiny', modelRole(3));
    serveView(3);
    expect(take(assignment(2))).toBe(2);
  });

  it.each([
    ['an old timestamp, shown to a new device', () => serveView(1)],
    [
      'an old publisher’s document under a new snapshot, shown to a new device',
      () => {
        serve('m.tiny', modelRole(1));
        serveView(3);
      },
    ],
    [
      'a snapshot without a publisher, shown to a new device',
      () => {
        delete view['m.tiny.json'];
        serveView(3);
      },
    ],
  ])('%s', (_case, attack) => {
    attack();
    expect(take(assignment(1))).toBe('METADATA_NOT_NEWER');
    expect(versions()).not.toHaveProperty('m.tiny');
    expect(versions()).not.toHaveProperty('snapshot');
    serve('m.tiny', modelRole(2));
    serveView(4);
    expect(take(assignment(1))).toBe(1);
  });

  it('begins anew where a root took the online key away that had raised the versions', () => {
    told({ ...newest, timestamp: 99, snapshot: 99 });
    expect(take(assignment(1))).toBe('METADATA_NOT_NEWER');
    const fresh = signer('fresh');
    const roles = { snapshot: keys(fresh), timestamp: keys(fresh) };
    serveRoot({ version: 2, ...roles });
    serveView(3, { by: fresh });
    expect(take(assignment(1))).toBe(1);
  });
});

describe('an assignment is taken under the whole chain', () => {
  it('and everything that was verified is kept', () => {
    expect(take(assignment(1))).toBe(1);
    expect(versions()).toEqual({ 'm.tiny': 1, snapshot: 1, targets: 1, timestamp: 1 });
  });

  it.each(['timestamp.json', '1.snapshot.json', '1.targets.json', '1.m.tiny.json'])(
    'and not without %s',
    (file) => {
      served.delete(file);
      expect(take(assignment(1))).toBe('METADATA_MISSING');
    },
  );

  it('and not under a view that is frozen, nor one with another key', () => {
    expect(take(assignment(1))).toBe(1);
    const later = NOW_MS + 8 * DAY_MS;
    expect(take(assignment(2, ONLINE, later), later)).toBe('METADATA_EXPIRED');
    serveView(2, { by: PUBLISHER });
    expect(take(assignment(3))).toBe('KEY_UNKNOWN');
    expect(versions()).toEqual({ 'm.tiny': 1, snapshot: 1, targets: 1, timestamp: 1 });
  });

  it('and not under an older view, or one in which a role went back', () => {
    serve('m.tiny', modelRole(2));
    serveView(2);
    expect(take(assignment(1))).toBe(1);
    serveView(1);
    expect(take(assignment(2))).toBe('METADATA_NOT_NEWER');
    serve('m.tiny', modelRole(1));
    serveView(3);
    expect(take(assignment(2))).toBe('METADATA_NOT_NEWER');
    expect(versions()).toMatchObject({ 'm.tiny': 2, snapshot: 2 });
  });

  it('and not with a role of another point in time, or of another signer', () => {
    served.set('1.m.tiny.json', modelRole(2));
    expect(take(assignment(1))).toBe('METADATA_MISMATCH');
    serve('m.tiny', modelRole(2, ONLINE));
    serveView(2);
    expect(take(assignment(1))).toBe('KEY_UNKNOWN');
  });

  it('and not under a root past its date, until a new one comes', () => {
    serveRoot({ expires: NOW_MS + DAY_MS });
    enrollAgain();
    const later = NOW_MS + 2 * DAY_MS;
    expect(take(assignment(1, ONLINE, later), later)).toBe('METADATA_EXPIRED');
    serveRoot({ version: 2 });
    expect(take(assignment(1, ONLINE, later), later)).toBe(1);
  });

  it('and the newest root says who may sign', () => {
    expect(take(assignment(1))).toBe(1);
    const fresh = signer('fresh');
    const roles = { snapshot: keys(fresh), timestamp: keys(fresh), director: { ...keys(fresh), epoch: 1 } };
    serveRoot({ version: 2, ...roles });
    // Fast-forward recovery: the removed key had raised the view, and the new one starts low.
    serveView(1, { by: fresh });
    expect(take(assignment(2))).toBe('KEY_UNKNOWN');
    expect(take(assignment(2, fresh))).toBe(2);
  });

  it('and a damaged newest root is fetched again from the first one on', () => {
    serveRoot({ version: 2 });
    serveRoot({ version: 3 });
    expect(take(assignment(1))).toBe(1);
    files.control
      .prepare("UPDATE trust_documents SET document = 'x' WHERE role = 'root' AND version = 3")
      .run();
    const fetched: Record<string, string | null> = {};
    for (;;) {
      const outcome = trust.refreshRoot(fetched, NOW_MS);
      if (outcome.kind === 'root') {
        expect(outcome.version).toBe(3);
        break;
      }
      fetched[outcome.file] = served.get(outcome.file) ?? null;
    }
    expect(take(assignment(2))).toBe(2);
  });

  it('and a floor that only a removed publisher key stood behind is forgotten', () => {
    expect(take(assignment(1))).toBe(1);
    files.control.prepare("INSERT INTO floors (model, floor) VALUES ('tiny', 999)").run();
    expect(take(assignment(2))).toBe('RELEASE_BELOW_FLOOR');
    // Nothing on the disk that is merely damaged lowers a floor.
    const damage = "UPDATE trust_documents SET document = 'x' WHERE role = 'm.tiny'";
    files.control.prepare(damage).run();
    expect(take(assignment(2))).toBe('RELEASE_BELOW_FLOOR');
    const fresh = signer('another publisher');
    serve('targets', targets(2, fresh));
    serve('m.tiny', modelRole(2, fresh));
    serveView(2);
    expect(take(assignment(2))).toBe(2);
    expect(files.control.prepare('SELECT * FROM floors').all()).toEqual([]);
  });
});

describe('signed time', () => {
  const NONCE = 'just-asked';
  /** Takes an answer with the roots that follow; the code of a refusal, or what stands on the disk then, from now. */
  function learn(atMs: number, by = ONLINE, roots: readonly string[] = []): string | number {
    const time = signDocument(buildTime({ fleet: 'lab', nonce: NONCE, atMs }), [by]);
    try {
      return trust.acceptTime({ v: 1, time, roots: [...roots] }, NONCE, NOW_MS).persistedMs - NOW_MS;
    } catch (err) {
      return (err as { code: string }).code;
    }
  }
  const root = (version: number, director: Signer): string => {
    const roles = { snapshot: keys(director), timestamp: keys(director) };
    serveRoot({ version, ...roles, director: { ...keys(director), epoch: version } });
    return served.get(`${version}.root.json`) ?? '';
  };

  it('outlives a restart, and what is kept only rises', () => {
    expect(trust.timeBasis()).toEqual({ rootVersion: 1, persistedMs: 0 });
    expect(learn(NOW_MS + 5_000)).toBe(5_000);
    expect(learn(NOW_MS)).toBe(5_000);
    expect(learn(NOW_MS + 9_000, PUBLISHER)).toBe('KEY_UNKNOWN');
    files.close();
    files = openJournalFiles(dir);
    trust = new TrustDocuments(files.control, dir);
    expect(trust.timeBasis()).toEqual({ rootVersion: 1, persistedMs: NOW_MS + 5_000 });
  });

  it('cannot be pushed beyond the end of the root', () => {
    expect(learn(NOW_MS + 366 * DAY_MS)).toBe('TIME_BEYOND_ROOT');
    expect(trust.timeBasis().persistedMs).toBe(0);
  });

  it('of a key that a root takes away is forgotten, and the new key starts at the right time', () => {
    const stolen = ONLINE;
    expect(learn(NOW_MS + 300 * DAY_MS, stolen)).toBe(300 * DAY_MS);
    const fresh = signer('fresh');
    const next = root(2, fresh);
    expect(learn(NOW_MS + 1_000, fresh)).toBe('KEY_UNKNOWN');
    expect(learn(NOW_MS + 1_000, fresh, [next])).toBe(1_000);
    expect(trust.timeBasis().rootVersion).toBe(2);
    expect(learn(NOW_MS + 300 * DAY_MS, stolen)).toBe('KEY_UNKNOWN');
  });

  it('is forgotten as well when that root comes with an assignment', () => {
    expect(learn(NOW_MS + DAY_MS)).toBe(DAY_MS);
    const fresh = signer('fresh');
    root(2, fresh);
    serveView(2, { by: fresh });
    const fetched: Record<string, string | null> = {};
    for (;;) {
      const outcome = trust.refreshRoot(fetched, NOW_MS);
      if (outcome.kind === 'root') break;
      fetched[outcome.file] = served.get(outcome.file) ?? null;
    }
    expect(trust.timeBasis()).toEqual({ rootVersion: 2, persistedMs: 0 });
  });

  it('comes with roots that are checked like any others', () => {
    const forged = signDocument(JSON.parse(root(2, PUBLISHER)).signed, [PUBLISHER]);
    expect(learn(NOW_MS, PUBLISHER, [forged])).toBe('KEY_UNKNOWN');
    expect(trust.timeBasis().rootVersion).toBe(1);
  });

  it('comes with all roots again when the newest one was damaged', () => {
    expect(learn(NOW_MS, ONLINE, [root(2, ONLINE), root(3, ONLINE)])).toBe(0);
    files.control
      .prepare("UPDATE trust_documents SET document = 'x' WHERE role = 'root' AND version = 3")
      .run();
    expect(trust.timeBasis().rootVersion).toBe(1);
    expect(learn(NOW_MS, ONLINE, [root(2, ONLINE)])).toBe('METADATA_NOT_NEWER');
    expect(learn(NOW_MS + 1, ONLINE, [root(2, ONLINE), root(3, ONLINE)])).toBe(1);
  });
});

describe('a model that an assignment leaves as it is', () => {
  const later = NOW_MS + 5 * DAY_MS;

  beforeEach(() => {
    expect(take(assignment(1, ONLINE, NOW_MS, 0))).toBe(1);
    serve('m.tiny', modelRole(2, PUBLISHER, NOW_MS + DAY_MS));
    serveView(2);
  });

  it('goes on when its publisher is late, and holds back nothing else', () => {
    expect([take(assignment(2, ONLINE, later, 0), later), held]).toEqual([2, ['METADATA_EXPIRED']]);
    served.delete('2.m.tiny.json');
    expect([take(assignment(3, ONLINE, later, 0), later), held]).toEqual([3, ['METADATA_MISSING']]);
  });

  it('is refused as soon as anything about it is new', () => {
    expect(take(assignment(2, ONLINE, later, 1), later)).toBe('METADATA_EXPIRED');
  });

  it('goes on below a floor that was raised since, and is not held without a reason', () => {
    expect([take(assignment(2, ONLINE, NOW_MS, 0)), held]).toEqual([2, []]);
    files.control.prepare("INSERT INTO floors (model, floor) VALUES ('tiny', 9)").run();
    expect([take(assignment(3, ONLINE, NOW_MS, 0)), held]).toEqual([3, ['RELEASE_BELOW_FLOOR']]);
  });
});

describe('the root that enrollment pinned', () => {
  it('replaced by another one takes floors, time and assignment of the old one with it', () => {
    expect(take(assignment(7))).toBe(7);
    files.control.prepare("INSERT INTO floors (model, floor) VALUES ('tiny', 999)").run();
    serveRoot({ expires: NOW_MS + 30 * DAY_MS });
    enrollAgain();
    expect(versions()).toEqual({ root: 1 });
    expect(take(assignment(1))).toBe(1);
  });

  it('written into an older database that has none takes nothing with it', () => {
    expect(take(assignment(7))).toBe(7);
    files.control.prepare("DELETE FROM meta WHERE key = 'factory-root'").run();
    enrollAgain();
    expect(take(assignment(1))).toBe('ASSIGNMENT_REPLAYED');
  });

  it('is not asked for before there is anything to verify', () => {
    trust = new TrustDocuments(files.control, join(dir, 'not enrolled'));
    expect(take(assignment(1))).toBe('ASSIGNMENT_NOT_MINE');
  });

  it('damaged on the disk changes nothing: its copy in the database stands', () => {
    expect(take(assignment(1))).toBe(1);
    for (const damaged of ['', '{"signed"', 'null']) {
      writeFileSync(join(dir, 'trust', 'root.json'), damaged);
      trust = new TrustDocuments(files.control, dir);
      trust.setDevice('lab', 'd-1');
      expect(take(assignment(1))).toBe('ASSIGNMENT_REPLAYED');
    }
    expect(take(assignment(2))).toBe(2);
  });
});

describe('what is trusted now', () => {
  const release = { model: 'tiny', digest: `sha256:${SHA256}` };
  const confirm = (wanted = release): string => {
    try {
      trust.confirm(wanted);
      return 'ok';
    } catch (err) {
      return (err as { code: string }).code;
    }
  };

  it('still names a release that was accepted, whatever the date', () => {
    expect(confirm()).toBe('METADATA_MISSING');
    expect(take(assignment(1))).toBe(1);
    expect(confirm()).toBe('ok');
    expect(confirm({ ...release, digest: `sha256:${'00'.repeat(32)}` })).toBe('RELEASE_NOT_SIGNED');
  });

  it('names it no more below a floor that its publisher raised on the way', () => {
    expect(take(assignment(1))).toBe(1);
    serve('m.tiny', modelRole(2, PUBLISHER, NOW_MS + DAY_MS, 2));
    serveView(2);
    expect(take(assignment(2))).toBe('RELEASE_BELOW_FLOOR');
    expect(confirm()).toBe('RELEASE_BELOW_FLOOR');
  });

  it('names it no more when its key was revoked, or its floor raised, on the way to a later assignment', () => {
    expect(take(assignment(1))).toBe(1);
    files.control.prepare("INSERT INTO floors (model, floor) VALUES ('tiny', 2)").run();
    expect(confirm()).toBe('RELEASE_BELOW_FLOOR');
    files.control.prepare('DELETE FROM floors').run();
    serve('targets', targets(2, signer('another publisher')));
    serveView(2);
    take(assignment(2));
    expect(confirm()).toBe('KEY_UNKNOWN');
  });
});
