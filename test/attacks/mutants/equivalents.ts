// biome-ignore-all lint/suspicious/noTemplateCurlyInString: names quote the source as it is

/** Why no attack can tell some mutants from the verifier: the reason, and the mutants by name. */
const GROUPS: readonly (readonly [why: string, names: readonly string[]])[] = [
  [
    'The cheap half of the check; the length in bytes is never smaller.',
    ['shared/src/trust/strict-json.ts parseStrict: without text.length > MAX_METADATA_BYTES'],
  ],
  [
    'What arrives was decoded from bytes, and is whole characters by then.',
    [
      "shared/src/trust/client/metadata.ts decode: never throw new CodedError('METADATA_MALFORMED', `${what} is not UTF-8`, { cause });",
      "shared/src/trust/strict-json.ts parseStrict: never throw malformed('the document is not Unicode text');",
    ],
  ],
  [
    'Nothing was parsed then, so the members do not add up: the same code, from the check after it.',
    [
      "shared/src/trust/strict-json.ts parseStrict: never throw new CodedError('METADATA_MALFORMED', 'the document is not JSON', { cause }",
    ],
  ],
  [
    'Only matters in texts that JSON.parse refuses anyway.',
    [
      'shared/src/trust/strict-json.ts isDigit: without char !== undefined',
      "shared/src/trust/strict-json.ts isDigit: without char !== undefined && char >= '0'",
      "shared/src/trust/strict-json.ts isDigit: without char >= '0'",
    ],
  ],
  [
    'The models of tufjs refuse it with the same code.',
    [
      "shared/src/trust/client/trusted-set.ts verifyTopLevel: never throw new CodedError('METADATA_MALFORMED', `the root names no keys for ${role}`)",
      "shared/src/trust/read-document.ts read: without typeof expires !== 'string'",
      "shared/src/trust/read-document.ts read: without typeof version !== 'number'",
      "shared/src/trust/signed-document.ts parseDocument: never throw new CodedError('METADATA_MALFORMED', 'the document has two signatures of o",
    ],
  ],
  [
    'Chooses a sentence, not a verdict.',
    [
      'agent/src/adapters/slots-fs.ts #check: false hex === null',
      'agent/src/adapters/slots-fs.ts #check: true hex === null',
      'shared/src/trust/read-document.ts read: false cause instanceof Error',
      'shared/src/trust/read-document.ts read: true cause instanceof Error',
    ],
  ],
  [
    'The second look: the TUF workflow has verified the same document a moment before.',
    [
      "agent/src/adapters/journal-trust.ts textOf: never throw new CodedError('RELEASE_NOT_SIGNED', `the metadata of ${role} is missing`)",
      'shared/src/trust/model-role.ts verifyModelRole: false nowMs !== null',
      'shared/src/trust/model-role.ts verifyModelRole: never checkExpiry(what, tufTime(metadata.expires), nowMs);',
      'shared/src/trust/model-role.ts verifyModelRole: never checkNotOlder(what, metadata.version, lastVersion);',
      "shared/src/trust/model-role.ts verifyModelRole: never throw new CodedError('MODEL_NOT_DELEGATED', `no publisher may sign for model ${m",
      'shared/src/trust/model-role.ts verifyModelRole: never verifySignatures(what, role, document);',
      'shared/src/trust/model-role.ts verifyModelRole: true nowMs !== null',
      'shared/src/trust/targets.ts verifyTargets: false nowMs !== null',
      "shared/src/trust/targets.ts verifyTargets: never checkExpiry('targets', tufTime(targets.expires), nowMs);",
      "shared/src/trust/targets.ts verifyTargets: never checkNotOlder('targets', targets.version, lastVersion);",
      "shared/src/trust/targets.ts verifyTargets: never verifySignatures('targets', root.roles.targets, document);",
      'shared/src/trust/targets.ts verifyTargets: true nowMs !== null',
    ],
  ],
  [
    'A role of no model has no paths of one: the check beside it refuses it.',
    ['shared/src/trust/targets.ts parseTargets: without model === undefined'],
  ],
  [
    'A device always knows its fleet.',
    ['shared/src/trust/assignment.ts verifyAssignment: without check.fleet !== undefined'],
  ],
  [
    'The role was looked up and verified by this very name.',
    [
      'shared/src/trust/cross-check.ts checkOne: true role?.model === model',
      'shared/src/trust/cross-check.ts checkOne: without role === undefined',
    ],
  ],
  [
    'A device loads each role once; a search for targets may come by it over two parents.',
    [
      'shared/src/trust/client/refresh.ts loadTargets: false loaded !== undefined',
      'shared/src/trust/client/refresh.ts loadTargets: never verifyDelegated(set, role, parent, loaded);',
    ],
  ],
  [
    'Every root of ours asks for consistent snapshots.',
    [
      'shared/src/trust/client/refresh.ts loadTargets: true set.root.signed.consistentSnapshot',
      'shared/src/trust/client/refresh.ts snapshot: true set.root.signed.consistentSnapshot',
    ],
  ],
  [
    "The bound is for clients that stream; the device's own bound and the check of the length stand behind it.",
    [
      'shared/src/trust/client/refresh.ts loadTargets: without meta.length ?? Infinity',
      'shared/src/trust/client/refresh.ts loadTargets: without set.rules.maxBytes.targets',
      'shared/src/trust/client/refresh.ts snapshot: without meta?.length ?? Infinity',
      'shared/src/trust/client/refresh.ts snapshot: without set.rules.maxBytes.snapshot',
    ],
  ],
  [
    'A device gives up earlier, after 128 files.',
    [
      "shared/src/trust/client/refresh.ts rootChain: never throw new CodedError('METADATA_TOO_LARGE', `there are more than ${maxRootRotatio",
    ],
  ],
  [
    'A device always has a minimum, be it an empty one.',
    [
      'shared/src/trust/client/refresh.ts snapshot: without stored.minimum',
      'shared/src/trust/client/refresh.ts timestamp: without stored.minimum',
    ],
  ],
  [
    'Its caller has just asked; it is asked here for what comes by stick.',
    ['shared/src/trust/client/minimums.ts checkFirstRoles: false lostOnlineKeys(factory, set.root.signed)'],
  ],
  [
    'The names that are asked for are no names that an object inherits.',
    [
      'shared/src/trust/client/minimums.ts checkFirstRoles: true Object.hasOwn(meta, file)',
      'shared/src/trust/client/minimums.ts requireVersion: true Object.hasOwn(minimum, role)',
      'shared/src/trust/client/trusted-set.ts metaOf: true Object.hasOwn(snapshot.meta, file)',
    ],
  ],
  [
    'What is missing is not new enough either: the same code, from the check after it.',
    [
      "shared/src/trust/client/minimums.ts requireVersion: never throw new CodedError('METADATA_NOT_NEWER', `${role} is missing; at enrollment it",
    ],
  ],
  [
    'Both are there when it is asked.',
    ['shared/src/trust/client/trusted-set.ts isSnapshotFinal: without set.timestamp === null'],
  ],
  [
    'A model that is not delegated was refused before its role is asked for.',
    [
      "shared/src/trust/client/trusted-set.ts verifyDelegated: never throw new CodedError('KEY_UNKNOWN', `${parent} does not delegate to ${role}`);",
      'shared/src/trust/client/trusted-set.ts verifyDelegated: true Object.hasOwn(roles, role)',
    ],
  ],
  [
    'Ringfleet delegates by name, never into bins.',
    [
      'shared/src/trust/client/trusted-set.ts verifyDelegated: false bins?.isDelegatedRole(role)',
      'shared/src/trust/client/trusted-set.ts verifyDelegated: true bins?.isDelegatedRole(role)',
    ],
  ],
  [
    'Errors without a code are defects of the program, not of a document.',
    [
      'agent/src/adapters/journal-trust.ts #agree: without !(err instanceof CodedError)',
      'agent/src/adapters/journal-trust.ts #modelRoles: never throw err;',
      'agent/src/adapters/trust-metadata-sqlite.ts startFrom: never throw err;',
      'agent/src/adapters/trust-metadata-sqlite.ts startFrom: true err instanceof CodedError',
      'shared/src/trust/client/trusted-set.ts lostItsKeys: without err instanceof CodedError',
    ],
  ],
  [
    'The workflow has loaded it before it asks.',
    [
      "shared/src/trust/client/trusted-set.ts trusted: never throw new CodedError('METADATA_MISSING', `${what} was not loaded`);",
    ],
  ],
  [
    'Which keys count is decided before, and a device takes one kind only.',
    [
      'shared/src/trust/client/verifiers.ts verifiersOf: false found.has(keyid) || !Object.hasOwn(keys, keyid)',
      'shared/src/trust/client/verifiers.ts verifiersOf: false verifier !== null',
      'shared/src/trust/client/verifiers.ts verifiersOf: true found.has(keyid) || !Object.hasOwn(keys, keyid)',
      "shared/src/trust/client/verifiers.ts verifiersOf: true rules.keyTypes === 'ed25519'",
      'shared/src/trust/client/verifiers.ts verifiersOf: true verifier !== null',
      'shared/src/trust/client/verifiers.ts verifiersOf: without !Object.hasOwn(keys, keyid)',
      'shared/src/trust/client/verifiers.ts verifiersOf: without found.has(keyid)',
    ],
  ],
  [
    'A longer manifest is not fetched.',
    [
      "shared/src/release/read-manifest.ts readManifest: never throw new CodedError('MANIFEST_INVALID', 'manifest is larger than 4 MiB');",
    ],
  ],
  [
    'Nothing was parsed then, and the form refuses it with the same code.',
    [
      "shared/src/release/read-manifest.ts readManifest: never throw new CodedError('MANIFEST_INVALID', 'manifest is not JSON', { cause });",
    ],
  ],
  [
    'Passes on what is still to be fetched.',
    ["agent/src/adapters/journal-trust.ts refreshRoot: true outcome.kind === 'wants'"],
  ],
  [
    'Both are there unless the assignment lists no model, and then there is nothing to go through.',
    [
      'agent/src/adapters/journal-trust.ts #agree: false !chain || !targets',
      'agent/src/adapters/journal-trust.ts #agree: without !chain',
      'agent/src/adapters/journal-trust.ts #agree: without !targets',
    ],
  ],
  [
    'The roots may be newer by then; the assignment is judged again with every file that is fetched.',
    ['agent/src/adapters/journal-trust.ts accept: never this.#verify(document, nowMs);'],
  ],
  [
    'Tells what is missing from what is there; either way the document is verified.',
    [
      'agent/src/adapters/journal-trust.ts #modelRole: without old',
      'agent/src/adapters/journal-trust.ts among: true Object.hasOwn(files, file)',
    ],
  ],
  [
    'The kept time is held against the root after every step, not only after a new root.',
    ["agent/src/adapters/journal-trust.ts #follow: true request.type === 'keepRoot'"],
  ],
  [
    'A download that a power cut left finished; tested with the blob store.',
    [
      'agent/src/adapters/blobs-fs.ts finish: false found === null && (await sizeOf(this.path(digest))) !== null',
      'agent/src/adapters/blobs-fs.ts finish: without (await sizeOf(this.path(digest))) !== null',
      'agent/src/adapters/blobs-fs.ts finish: without found === null',
    ],
  ],
  [
    'Digests come out of documents whose form allows nothing else.',
    [
      "agent/src/adapters/blobs-fs.ts hexOf: never throw new CodedError('ARTIFACT_CORRUPT', 'not a sha256 digest', { at: digest });",
    ],
  ],
  [
    'Whether it is tried again, not what is believed.',
    [
      'agent/src/supervisor/release-fetcher.ts #fetch: never throw err;',
      "agent/src/supervisor/release-fetcher.ts #fetch: never throw new CodedError('ABORTED');",
      'agent/src/supervisor/release-fetcher.ts #fetch: without !(err instanceof CodedError)',
      "agent/src/supervisor/release-fetcher.ts #fetch: without err.code === 'ABORTED'",
      'agent/src/supervisor/update-work.ts verify: never throw err;',
    ],
  ],
  [
    'Bytes that are right are fetched once more: it costs a download.',
    [
      'agent/src/supervisor/release-fetcher.ts #scrubOne: false `sha256:${await hasher.sha256OfFile(blobs.path(digest))}` === digest',
    ],
  ],
  [
    'Where a download goes on, not what is believed: the whole is hashed.',
    [
      'agent/src/supervisor/release-fetcher.ts #transfer: false partial < sizeBytes',
      'agent/src/supervisor/release-fetcher.ts #transfer: false partial === sizeBytes && sizeBytes > 0',
      'agent/src/supervisor/release-fetcher.ts #transfer: true partial < sizeBytes',
      'agent/src/supervisor/release-fetcher.ts #transfer: without sizeBytes > 0',
    ],
  ],
  [
    'A version that is installed with these very bytes is not offered again.',
    ['agent/src/supervisor/update-work.ts check: without one.digest !== job.digest'],
  ],
  [
    "A runner's folder is hashed again when it is loaded.",
    ['agent/src/supervisor/update-work.ts verify: never await slots.verify(model, candidate); (2)'],
  ],
];

/** Name → reason. A run fails when one of them is told after all, or is not there any more. */
export const EQUIVALENTS: Readonly<Record<string, string>> = Object.fromEntries(
  GROUPS.flatMap(([why, names]) => names.map((name) => [name, why])),
);
