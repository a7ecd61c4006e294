// biome-ignore-all lint/suspicious/noTemplateCurlyInString: names quote the source as it is

/** Checks that no attack comes by, and the tests beside the code that do. */
const BY_TEST: readonly (readonly [test: string, names: readonly string[]])[] = [
  [
    'shared/src/trust/bundle.test.ts',
    [
      'shared/src/trust/assignment.ts verifyAssignment: true !check.isVouchedFor',
      'shared/src/trust/client/refresh.ts refresh: never checkNotBehindBundle(set, stored);',
    ],
  ],
  [
    'shared/src/trust/assignment.test.ts',
    [
      'shared/src/trust/assignment.ts assignmentContentHash: false a.model < b.model',
      'shared/src/trust/assignment.ts assignmentContentHash: true a.model < b.model',
    ],
  ],
  [
    'agent/src/adapters/journal-trust.test.ts',
    [
      'agent/src/adapters/journal-trust.ts #desired: false row',
      "agent/src/adapters/journal-trust.ts #startFrom: true this.#metadata.startFrom(pinned) === 'kept'",
      "agent/src/adapters/journal-trust.ts confirm text: never throw new CodedError('METADATA_MISSING', `${role} is not on this disk`);",
      "agent/src/adapters/journal-trust.ts confirm: never throw new CodedError( 'RELEASE_BELOW_FLOOR', `${model} ${release.version} has re",
      "agent/src/adapters/journal-trust.ts confirm: never throw new CodedError('RELEASE_NOT_SIGNED', `${digest} is not among the releases ",
      'agent/src/adapters/journal-trust.ts confirm: true release.releaseCounter >= floor',
      'agent/src/adapters/journal-trust.ts confirm: without role.minReleaseCounter',
      'agent/src/adapters/journal-trust.ts confirm: without this.#floors().get(model) ?? 0',
      'agent/src/adapters/journal-trust.ts constructor: false existsSync(pinned)',
      'agent/src/adapters/journal-trust.ts constructor: true existsSync(pinned)',
      'agent/src/adapters/trust-metadata-sqlite.ts startFrom: false err instanceof CodedError',
      'agent/src/adapters/trust-metadata-sqlite.ts startFrom: false known !== undefined',
      'agent/src/adapters/trust-metadata-sqlite.ts startFrom: false known === undefined',
      'agent/src/adapters/trust-metadata-sqlite.ts startFrom: true known !== undefined',
      'agent/src/adapters/trust-metadata-sqlite.ts startFrom: true known === Buffer.from(pinned).toString()',
      'agent/src/adapters/trust-metadata-sqlite.ts startFrom: true known === undefined',
    ],
  ],
  [
    'shared/src/release/write-manifest.test.ts',
    ['shared/src/release/read-manifest.ts readManifest: never expectSteps(manifest);'],
  ],
  [
    'agent/src/adapters/trust-metadata-sqlite.test.ts',
    [
      "agent/src/adapters/trust-metadata-sqlite.ts #factory: never throw new CodedError('METADATA_MISSING', 'there is no first root');",
    ],
  ],
];

/** Name → file of the test. A run fails when an attack tells one of them after all, or it is not there any more. */
export const ELSEWHERE: Readonly<Record<string, string>> = Object.fromEntries(
  BY_TEST.flatMap(([test, names]) => names.map((name) => [name, test])),
);
