import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  digestOf,
  manifestBytes,
  modelRoleText,
  newSigner,
  openPeople,
  type PeopleFixture,
  publishTrust,
  uploadRelease,
} from '../people-fixture.ts';

let people: PeopleFixture;
beforeEach(async () => {
  people = await openPeople();
});
afterEach(() => people.close());

const publish = (metadata: string) => people.ask('POST', '/api/v1/releases', { metadata });

describe('publishing', () => {
  it('registers a signed release whose files are all there', async () => {
    await publishTrust(people);
    const signed = await uploadRelease(people, '1.0.0', 1);
    const answer = await publish(modelRoleText(people.keys, [signed]));
    expect(answer.json()).toMatchObject({
      model: 'tiny',
      metadataVersion: 1,
      releases: [{ version: '1.0.0' }],
    });
    expect(answer.statusCode).toBe(201);

    const list = await people.ask('GET', '/api/v1/releases?model=tiny');
    expect(list.json()).toMatchObject({
      items: [
        { version: '1.0.0', digest: `sha256:${signed.sha256}`, variants: ['cpu'], publishedBy: 'admin' },
      ],
      next: null,
    });
    const one = await people.ask('GET', '/api/v1/releases/tiny/1.0.0');
    expect(one.json()).toMatchObject({ version: '1.0.0', manifest: { schema: 'ringfleet/manifest/1' } });
    const trust = await people.ask('GET', '/api/v1/trust');
    expect(trust.json()).toMatchObject({ modelRoles: { tiny: { version: 1, releases: 1 } } });
  });

  it('takes the same document twice and adds to it with the next', async () => {
    await publishTrust(people);
    const first = await uploadRelease(people, '1.0.0', 1);
    const metadata = modelRoleText(people.keys, [first]);
    await publish(metadata);
    expect((await publish(metadata)).json()).toMatchObject({ releases: [] });
    const second = await uploadRelease(people, '1.1.0', 2);
    const next = await publish(modelRoleText(people.keys, [first, second], { version: 2 }));
    expect(next.json()).toMatchObject({ metadataVersion: 2, releases: [{ version: '1.1.0' }] });
  });

  it('refuses a version that was used for other bytes', async () => {
    await publishTrust(people);
    await publish(modelRoleText(people.keys, [await uploadRelease(people, '1.0.0', 1)]));
    const other = manifestBytes('1.0.0', Buffer.from('other weights'));
    const changed = {
      version: '1.0.0',
      releaseCounter: 2,
      length: other.length,
      sha256: digestOf(other).slice(7),
    };
    const answer = await publish(modelRoleText(people.keys, [changed], { version: 2 }));
    expect(answer.json()).toMatchObject({ status: 409, code: 'RELEASE_CONFLICT' });
    expect((await people.ask('GET', '/api/v1/trust')).json()).toMatchObject({
      modelRoles: { tiny: { version: 1 } },
    });
  });

  it('refuses what is signed by somebody else, or was altered, or is not signed', async () => {
    await publishTrust(people);
    const signed = await uploadRelease(people, '1.0.0', 1);
    const good = modelRoleText(people.keys, [signed]);
    const foreign = modelRoleText(people.keys, [signed], { signer: newSigner() });
    const altered = good.replace('"releaseCounter": 1', '"releaseCounter": 9');
    const unsigned = JSON.stringify({ ...(JSON.parse(good) as object), signatures: [] });
    const codes = await Promise.all(
      [foreign, altered, unsigned, good.slice(0, -20)].map(
        async (text) => (await publish(text)).json<{ code: string }>().code,
      ),
    );
    expect(codes).toEqual(['KEY_UNKNOWN', 'SIGNATURE_INVALID', 'METADATA_UNSIGNED', 'METADATA_MALFORMED']);
    expect((await people.ask('GET', '/api/v1/releases')).json()).toEqual({ items: [], next: null });
  });

  it('refuses a release before its files are uploaded, naming the first that is missing', async () => {
    await publishTrust(people);
    const manifest = manifestBytes('1.0.0', Buffer.from('never uploaded'));
    const signed = {
      version: '1.0.0',
      releaseCounter: 1,
      length: manifest.length,
      sha256: digestOf(manifest).slice(7),
    };
    const metadata = modelRoleText(people.keys, [signed]);
    expect((await publish(metadata)).json()).toMatchObject({
      code: 'ARTIFACT_MISSING',
      detail: expect.stringContaining('the manifest'),
    });
    const put = await people.ask('PUT', `/api/v1/artifacts/sha256/${signed.sha256}`, manifest);
    expect(put.statusCode).toBe(201);
    expect((await publish(metadata)).json()).toMatchObject({
      code: 'ARTIFACT_MISSING',
      detail: expect.stringContaining('model.onnx'),
    });
  });

  it('lets a release that was signed and never uploaded wait, and takes the others', async () => {
    await publishTrust(people);
    const manifest = manifestBytes('1.0.0', Buffer.from('uploaded later'));
    const sha256 = digestOf(manifest).slice(7);
    const waiting = { version: '1.0.0', releaseCounter: 1, length: manifest.length, sha256 };
    const metadata = modelRoleText(people.keys, [waiting, await uploadRelease(people, '1.1.0', 2)]);
    expect((await publish(metadata)).json()).toMatchObject({ releases: [{ version: '1.1.0' }] });
    expect((await publish(metadata)).json()).toMatchObject({ releases: [] });
    expect((await people.ask('GET', '/api/v1/releases/tiny/1.0.0')).statusCode).toBe(404);
    for (const bytes of [Buffer.from('uploaded later'), manifest]) {
      await people.ask('PUT', `/api/v1/artifacts/sha256/${digestOf(bytes).slice(7)}`, bytes);
    }
    expect((await publish(metadata)).json()).toMatchObject({ releases: [{ version: '1.0.0' }] });
  });

  it('refuses a release before there is a trust root, and of a model nobody may sign', async () => {
    const metadata = modelRoleText(people.keys, []);
    expect((await publish(metadata)).json()).toMatchObject({ code: 'TRUST_NOT_INITIALISED' });
    await publishTrust(people);
    const other = metadata.replaceAll('"tiny"', '"keyword"');
    expect((await publish(other)).json()).toMatchObject({ code: 'MODEL_NOT_DELEGATED' });
  });

  it('yanks a release once and for all', async () => {
    await publishTrust(people);
    await publish(modelRoleText(people.keys, [await uploadRelease(people, '1.0.0', 1)]));
    const yanked = await people.ask('POST', '/api/v1/releases/tiny/1.0.0/yank');
    expect(yanked.json()).toMatchObject({ version: '1.0.0', yankedAtMs: expect.any(Number) });
    expect((await people.ask('POST', '/api/v1/releases/tiny/9.9.9/yank')).json()).toMatchObject({
      code: 'RELEASE_UNKNOWN',
    });
  });
});

describe('artifacts', () => {
  const put = (hex: string, body: Buffer) => people.ask('PUT', `/api/v1/artifacts/sha256/${hex}`, body);

  it('keeps a file that matches its digest and says so', async () => {
    const bytes = Buffer.from('{"looks": "like JSON"}');
    const hex = digestOf(bytes).slice(7);
    expect((await people.ask('HEAD', `/api/v1/artifacts/sha256/${hex}`)).statusCode).toBe(404);
    expect((await put(hex, bytes)).json()).toEqual({ digest: `sha256:${hex}`, sizeBytes: bytes.length });
    const head = await people.ask('HEAD', `/api/v1/artifacts/sha256/${hex}`);
    expect([head.statusCode, head.headers['content-length']]).toEqual([200, String(bytes.length)]);
  });

  it('keeps nothing of a file that does not match, or is too large', async () => {
    const hex = digestOf(Buffer.from('a')).slice(7);
    expect((await put(hex, Buffer.from('b'))).json()).toMatchObject({ status: 400, code: 'DIGEST_MISMATCH' });
    expect((await put(hex, Buffer.alloc(1_000_001))).json()).toMatchObject({
      status: 413,
      code: 'UPLOAD_TOO_LARGE',
    });
    expect(await people.blobs.size(`sha256:${hex}`)).toBeNull();
  });
});
