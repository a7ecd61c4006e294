import { appendFileSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Manifest } from '@ringfleet/shared/release';
import { type Attack, CHAIN } from '../lab/attack.ts';
import { assigning } from '../lab/edits.ts';
import { type Blob, filesOfRelease, makeRelease, RELEASES } from '../lab/releases.ts';
import type { Answer } from '../lab/server.ts';

const { manifest, weights } = RELEASES['1.1.0'] as (typeof RELEASES)[string];
/** The assignment itself is genuine: it is accepted, and what it names is not what comes. */
const TAKEN = ['assignment', ...CHAIN];

const flipped = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
};

const corrupt = (attack: string, sha256: string, change: (bytes: Buffer) => Buffer): Attack => ({
  attack,
  check: 'digest of a download',
  code: 'ARTIFACT_CORRUPT',
  plan: { artifacts: { [sha256]: change } },
  changes: TAKEN,
});

/** Sends without end, as fast as the device reads. */
const endless: Answer = (_request, response) => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  response.writeHead(200);
  more();
};

/** Sends a byte now and then: never silent, and never done. */
const drip: Answer = (_request, response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write(' '), 50);
  response.on('close', () => clearInterval(timer));
};

/** A release with a manifest that its publisher should never have signed. */
function odd(
  attack: string,
  check: string,
  code: string,
  change: (one: Manifest) => object,
  version = '1.1.0',
): Attack {
  const { releaseCounter } = RELEASES[version] as (typeof RELEASES)[string];
  const release = makeRelease(version, releaseCounter, change);
  const { length } = release.manifest.bytes;
  const { sha256 } = release.manifest;
  return {
    attack,
    check,
    code,
    plan: {
      say: {
        tiny: (content) => ({
          ...content,
          releases: content.releases.map((one) =>
            one.version === version ? { ...one, length, sha256 } : one,
          ),
        }),
        assignment: assigning({ version, releaseCounter, manifestLength: length, manifestSha256: sha256 }),
      },
      blobs: filesOfRelease(release),
    },
    changes: TAKEN,
  };
}

const withFirstPath =
  (path: string) =>
  (one: Manifest): object => ({
    ...one,
    files: one.files.map((file, i) => (i === 0 ? { ...file, path } : file)),
    variants: one.variants.map((variant) => ({ ...variant, entry: path, files: [path] })),
  });

/** Bytes: on the way, on the disk, and in the names they are stored under. */
export const ARTIFACT_ATTACKS: readonly Attack[] = [
  corrupt('a manifest with other bytes', manifest.sha256, flipped),
  corrupt('weights with other bytes', weights.sha256, flipped),
  corrupt('weights that end early', weights.sha256, (bytes) => bytes.subarray(0, 100)),
  corrupt(
    'weights of another signed release',
    weights.sha256,
    () => RELEASES['1.0.5']?.weights.bytes as Buffer,
  ),
  corrupt('weights with more bytes behind them', weights.sha256, (bytes) =>
    Buffer.concat([bytes, Buffer.from('x')]),
  ),
  {
    ...corrupt('endless weights', weights.sha256, (bytes) => bytes),
    check: 'signed length of a download',
    plan: {},
    replies: { [weights.sha256]: endless },
  },
  {
    attack: 'endless metadata',
    check: 'size of a download',
    code: 'waits: SERVER_REFUSED',
    plan: {},
    replies: { 'timestamp.json': endless },
  },
  {
    attack: 'metadata that only drips',
    check: 'minimum throughput of a download',
    code: 'waits: DOWNLOAD_TOO_SLOW',
    plan: {},
    replies: { 'timestamp.json': drip },
  },
  {
    attack: 'a manifest longer than any needs to be',
    check: 'size of a manifest',
    code: 'MANIFEST_INVALID',
    plan: {
      say: {
        tiny: (content) => ({
          ...content,
          releases: content.releases.map((one) => ({ ...one, length: 1_000_000_000 })),
        }),
        assignment: assigning({ manifestLength: 1_000_000_000 }),
      },
    },
    changes: TAKEN,
  },
  odd('a manifest of another model', 'manifest = assignment', 'MANIFEST_MISMATCH', (one) => ({
    ...one,
    model: 'other',
  })),
  odd('a manifest of another version', 'manifest = assignment', 'MANIFEST_MISMATCH', (one) => ({
    ...one,
    version: '1.2.0',
  })),
  odd('a manifest that lists a file twice', 'form of the manifest', 'MANIFEST_INVALID', (one) => ({
    ...one,
    files: [...one.files, ...one.files],
  })),
  odd(
    'a manifest with a variant of files that it does not list',
    'form of the manifest',
    'MANIFEST_INVALID',
    (one) => ({
      ...one,
      variants: one.variants.map((variant) => ({ ...variant, entry: 'elsewhere.onnx' })),
    }),
  ),
  odd('a release for hardware that the device has not', 'constraints', 'PROVIDER_UNSUPPORTED', (one) => ({
    ...one,
    variants: one.variants.map((variant) => ({ ...variant, constraints: { providers: ['cuda'] } })),
  })),
  odd(
    'other bytes under the version that runs',
    'one digest per version',
    'RELEASE_VERSION_REUSED',
    (one) => ({ ...one, description: 'other' }),
    '1.0.0',
  ),
  odd(
    'a file of a release that leaves its folder',
    'form of the manifest',
    'MANIFEST_INVALID',
    withFirstPath('../../x'),
  ),
  odd(
    'a file of a release with an absolute path',
    'form of the manifest',
    'MANIFEST_INVALID',
    withFirstPath('/etc/x'),
  ),
  odd(
    'a file of a release named like its manifest',
    'form of the manifest',
    'MANIFEST_INVALID',
    withFirstPath('manifest.json'),
  ),
  odd(
    'a file of a release that is the folder of another one',
    'form of the manifest',
    'MANIFEST_INVALID',
    withFirstPath('conformance'),
  ),
  {
    attack: 'files of the running release altered on the disk, then a restart',
    check: 'digests of a slot at start',
    code: 'SLOT_CORRUPT',
    plan: {},
    onDisk: (stateDir) => appendFileSync(join(stateDir, 'slots/tiny/1.0.0/model.onnx'), 'x'),
    answers: 'MODEL_EMPTY',
  },
  {
    attack: 'the manifest of the running release altered on the disk, then a restart',
    check: 'digests of a slot at start',
    code: 'SLOT_CORRUPT',
    plan: {},
    onDisk: (stateDir) => appendFileSync(join(stateDir, 'slots/tiny/1.0.0/manifest.json'), ' '),
    answers: 'MODEL_EMPTY',
  },
];

const planted = (what: string, { sha256, bytes }: Blob): Attack => ({
  attack: `planted ${what} of the right length are replaced by the genuine ones`,
  check: '',
  code: 'INSTALLED',
  plan: {},
  onDisk: (stateDir) => {
    const path = join(stateDir, 'blobs/sha256', sha256.slice(0, 2), sha256);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, flipped(bytes));
    // A second link, or it would be swept away as unused.
    linkSync(path, join(stateDir, 'planted'));
  },
});

/** Bytes planted where a download would be: they are found out, and the genuine ones fetched. */
export const MENDED: readonly Attack[] = [
  planted('weights', weights),
  planted('bytes of a manifest', manifest),
];
