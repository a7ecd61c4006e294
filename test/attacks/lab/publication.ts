import { createHash } from 'node:crypto';
import {
  buildAssignment,
  buildModelRole,
  buildRoot,
  buildSnapshot,
  buildTargets,
  buildTimestamp,
  type FileMeta,
  type SignedPart,
  type Signer,
  signDocument,
} from '@ringfleet/shared/trust';
import {
  assignmentContent,
  type Contents,
  DAY_MS,
  type Doc,
  NOW_MS,
  otherContent,
  rootContent,
  targetsContent,
  tinyContent,
  versionOf,
} from './contents.ts';
import { KEYS } from './keys.ts';
import { type Blob, filesOfRelease, RELEASES } from './releases.ts';

// biome-ignore lint/suspicious/noExplicitAny: attacks write what no type allows
export type Json = any;

/** What is different from the genuine publication. */
export interface Plan {
  /** Changes what a document says, before it is built. */
  readonly say?: { readonly [D in Doc]?: (content: Contents[D]) => Contents[D] };
  /** Changes the JSON that is signed, for what the builders do not write. */
  readonly json?: Partial<Record<Doc, (signed: Json) => Json>>;
  /** Who signs instead of the genuine keys. */
  readonly by?: Partial<Record<Doc, readonly Signer[]>>;
  /** Changes the signed text, before the documents above name it. */
  readonly text?: Partial<Record<Doc, (text: string) => string>>;
  /** Changes what is given out under a name, behind everyone's back; null for nothing. `{…}` sees all files. */
  readonly serve?: Readonly<Record<string, (text: string, files: Files) => string | null>>;
  /** Changes the bytes given out for a digest (bare hex). */
  readonly artifacts?: Readonly<Record<string, (bytes: Buffer) => Buffer>>;
  /** Further files that the server has. */
  readonly blobs?: readonly Blob[];
  /** Roots after the first; each is signed by the keys before it and by its own. */
  readonly roots?: number;
}

export type Files = ReadonlyMap<string, string>;

/** What a server gives out: `metadata` and `assignment` by name, artifacts by bare hex. */
export interface Publication {
  readonly metadata: Map<string, string>;
  readonly assignment: string;
  readonly artifacts: ReadonlyMap<string, Buffer>;
}

const GENUINE: Readonly<Record<Doc, readonly Signer[]>> = {
  root: [KEYS.rootA, KEYS.rootB],
  tiny: [KEYS.tinyA, KEYS.tinyB],
  other: [KEYS.other],
  targets: [KEYS.targets],
  snapshot: [KEYS.snapshot],
  timestamp: [KEYS.timestamp],
  assignment: [KEYS.director],
};

const BUILD: { readonly [D in Doc]: (content: Contents[D]) => SignedPart } = {
  root: buildRoot,
  tiny: buildModelRole,
  other: buildModelRole,
  targets: buildTargets,
  snapshot: buildSnapshot,
  timestamp: buildTimestamp,
  assignment: buildAssignment,
};

/** The first root of every device. */
export const firstRoot = (): string => signDocument(buildRoot(rootContent(1)), GENUINE.root);

/**
 * All documents of one point in time, each signed, and each named by the one above it as it is. Step 1 is 1.0.0; step 2 the
 * update to 1.1.0; versions and generation are ten times the step. The plan changes the parts it names and no other.
 */
export function publish(step: number, plan: Plan = {}): Publication {
  const metadata = new Map<string, string>();
  const make = <D extends Doc>(doc: D, genuine: Contents[D]): string => {
    const content = plan.say?.[doc]?.(genuine) ?? genuine;
    const part = plan.json?.[doc]?.(structuredClone(BUILD[doc](content))) ?? BUILD[doc](content);
    const text = signDocument(part, plan.by?.[doc] ?? GENUINE[doc]);
    return plan.text?.[doc]?.(text) ?? text;
  };
  const put = (role: string, text: string): { [file: string]: FileMeta } => {
    const meta = metaOf(text);
    metadata.set(`${meta.version}.${role}.json`, text);
    return { [`${role}.json`]: meta };
  };
  metadata.set('1.root.json', firstRoot());
  for (let version = 2; version <= (plan.roots ?? 1); version += 1) {
    metadata.set(`${version}.root.json`, make('root', rootContent(version)));
  }
  const meta = {
    ...put('m.tiny', make('tiny', tinyContent(step))),
    ...put('m.other', make('other', otherContent(step))),
    ...put('targets', make('targets', targetsContent(step))),
  };
  const version = versionOf(step);
  const snapshot = make('snapshot', { version, expires: NOW_MS + 30 * DAY_MS, meta });
  const named = Object.values(put('snapshot', snapshot))[0] as FileMeta;
  metadata.set(
    'timestamp.json',
    make('timestamp', { version, expires: NOW_MS + 7 * DAY_MS, snapshot: named }),
  );
  metadata.set('assignment', make('assignment', assignmentContent(step)));
  return serving(metadata, plan);
}

/** As `fileMetaOf`, for texts too that no reader takes. */
function metaOf(text: string): FileMeta {
  const bytes = Buffer.from(text);
  const version = Number(/\n {2}"version": (\d+)/.exec(text)?.[1]);
  return { version, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function serving(genuine: Map<string, string>, plan: Plan): Publication {
  const metadata = new Map(genuine);
  for (const [file, change] of Object.entries(plan.serve ?? {})) {
    const changed = change(genuine.get(file) ?? '', genuine);
    if (changed === null) metadata.delete(file);
    else metadata.set(file, changed);
  }
  const assignment = metadata.get('assignment') ?? '';
  metadata.delete('assignment');
  const blobs = [...Object.values(RELEASES).flatMap(filesOfRelease), ...(plan.blobs ?? [])];
  const artifacts = new Map(
    blobs.map(({ sha256, bytes }) => [sha256, plan.artifacts?.[sha256]?.(bytes) ?? bytes]),
  );
  return { metadata, assignment, artifacts };
}
