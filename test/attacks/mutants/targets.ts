/** What decides on a device whether bytes are trusted. `only` and `except` name functions and methods. */
export interface MutatedFile {
  readonly file: string;
  readonly only?: readonly string[];
  readonly except?: readonly string[];
}

const TRUST = 'shared/src/trust';

/**
 * Left out: what signs, writes or reads back what it wrote itself (publishers' tools and the server), and the search for
 * targets of other repositories with other kinds of keys, which `scripts/tuf-client` proves against the public suite. What is
 * carried by stick, and signed time, have attacks and tests of their own.
 */
export const MUTATED: readonly MutatedFile[] = [
  { file: `${TRUST}/strict-json.ts` },
  { file: `${TRUST}/signed-document.ts`, only: ['parseDocument'] },
  { file: `${TRUST}/read-document.ts` },
  { file: `${TRUST}/signatures.ts` },
  { file: `${TRUST}/root.ts`, only: ['parseRoot'] },
  { file: `${TRUST}/targets.ts`, only: ['verifyTargets', 'parseTargets', 'checkNotOlder'] },
  { file: `${TRUST}/model-role.ts`, only: ['verifyModelRole', 'readModelRole', 'releaseOf'] },
  { file: `${TRUST}/assignment-format.ts` },
  { file: `${TRUST}/assignment.ts` },
  { file: `${TRUST}/cross-check.ts` },
  { file: `${TRUST}/client/metadata.ts` },
  { file: `${TRUST}/client/refresh.ts` },
  { file: `${TRUST}/client/minimums.ts` },
  { file: `${TRUST}/client/trusted-set.ts`, except: ['initialRootVersion'] },
  { file: `${TRUST}/client/verifiers.ts`, only: ['verifiersOf'] },
  { file: 'shared/src/release/read-manifest.ts', except: ['expectSteps'] },
  {
    file: 'agent/src/adapters/journal-trust.ts',
    except: ['takeBundle', '#followCarried', 'acceptTime', 'timeBasis', 'verifyWipe'],
  },
  { file: 'agent/src/adapters/trust-metadata-sqlite.ts', except: ['#minimum'] },
  { file: 'agent/src/adapters/blobs-fs.ts', only: ['has', 'append', 'finish', 'hexOf'] },
  { file: 'agent/src/adapters/slots-fs.ts', only: ['install', 'verify', '#check'] },
  { file: 'agent/src/adapters/https-request.ts', only: ['readText'] },
  { file: 'agent/src/supervisor/release-fetcher.ts', except: ['digestsHere'] },
  { file: 'agent/src/supervisor/update-work.ts', only: ['check', 'verify'] },
];
