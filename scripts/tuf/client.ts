import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CodedError } from '@ringfleet/shared/errors';
import {
  type ClientRules,
  DEFAULT_RULES,
  findTarget,
  initialRootVersion,
  refresh,
  runWorkflow,
} from '@ringfleet/shared/trust';
import { TrustMetadataFolder } from '../../agent/src/adapters/trust-metadata-fs.ts';
import { downloadTarget } from './download-target.ts';
import { DEFAULT_PACE, fetchBytes, type Pace } from './http-files.ts';

const RULES: ClientRules = { ...DEFAULT_RULES, keyTypes: 'any' };

const OPTIONS = {
  'metadata-dir': { type: 'string' },
  'metadata-url': { type: 'string' },
  'target-name': { type: 'string', multiple: true },
  'target-base-url': { type: 'string' },
  'target-dir': { type: 'string' },
} as const;

/** Runs one command (`init TRUSTED_ROOT`, `refresh`, `download`). Throws when any part of it failed. */
export async function runClient(
  args: readonly string[],
  nowMs: number,
  pace: Pace = DEFAULT_PACE,
): Promise<void> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const need = (name: 'metadata-dir' | 'metadata-url' | 'target-base-url' | 'target-dir'): string => {
    const value = values[name];
    if (value === undefined) throw new CodedError('CONFIG_INVALID', `--${name} is needed`);
    return value;
  };
  const store = new TrustMetadataFolder(need('metadata-dir'));
  const [command, trustedRoot] = positionals;
  if (command === 'init' && trustedRoot !== undefined) {
    const bytes = await readFile(trustedRoot);
    await store.init(bytes, initialRootVersion(bytes, RULES));
    return;
  }
  if (command !== 'refresh' && command !== 'download') {
    throw new CodedError('CONFIG_INVALID', 'the command is init TRUSTED_ROOT, refresh or download');
  }
  const metadataUrl = need('metadata-url');
  const fetchMetadata = (file: string, maxBytes: number) =>
    fetchBytes(join(metadataUrl, file), maxBytes, pace);
  let set = await runWorkflow(refresh(await store.load(), nowMs, RULES), store, fetchMetadata);
  if (command === 'refresh') return;
  for (const name of values['target-name'] ?? []) {
    const found = await runWorkflow(findTarget(set, await store.load(), name), store, fetchMetadata);
    set = found.set;
    if (found.target === null) throw new CodedError('TARGET_UNKNOWN', `no role names ${name}`);
    await downloadTarget(found.target, {
      baseUrl: need('target-base-url'),
      dir: need('target-dir'),
      isConsistent: set.root.signed.consistentSnapshot,
      pace,
    });
  }
}

const join = (base: string, file: string): string => `${base.replace(/\/+$/, '')}/${file}`;
