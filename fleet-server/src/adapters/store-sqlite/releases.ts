import { CodedError } from '@ringfleet/shared/errors';
import type { Release } from '../../core/domain.ts';
import type { NewEvent, ReleaseStore } from '../../ports/stores.ts';
import type { ControlDatabase } from './control-database.ts';
import { afterKey, FROM_NEWEST, pageOf } from './page.ts';

interface ReleaseRow {
  id: number;
  model: string;
  version: string;
  digest: string;
  size_bytes: number;
  variants: string;
  description: string;
  published_at_ms: number;
  published_by: string;
  yanked_at_ms: number | null;
}

const COLUMNS = `id, model, version, digest, size_bytes, variants, description, published_at_ms, published_by, yanked_at_ms`;

export function releaseStore(db: ControlDatabase): ReleaseStore {
  const listed = db.prepare<[{ from: number; model: string | null; limit: number }], ReleaseRow>(
    `SELECT ${COLUMNS} FROM releases WHERE id < @from AND (@model IS NULL OR model = @model) ORDER BY id DESC LIMIT @limit`,
  );
  const byName = db.prepare<[string, string], ReleaseRow>(
    `SELECT ${COLUMNS} FROM releases WHERE model = ? AND version = ?`,
  );
  const manifest = db.prepare<[string, string], { manifest: Buffer }>(
    'SELECT manifest FROM releases WHERE model = ? AND version = ?',
  );
  const insert = db.prepare(
    `INSERT INTO releases (model, version, digest, size_bytes, variants, description, published_at_ms, published_by,
       manifest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const yank = db.prepare('UPDATE releases SET yanked_at_ms = ? WHERE id = ? AND yanked_at_ms IS NULL');

  return {
    async list(query) {
      const from = afterKey(query, FROM_NEWEST);
      const rows = listed.all({ from, model: query.model ?? null, limit: query.limit + 1 });
      return pageOf(rows, query, (row) => row.id, toRelease);
    },
    async get(model, version) {
      const row = byName.get(model, version);
      return row ? toRelease(row) : null;
    },
    async add(release, manifestBytes, change) {
      const { model, version, digest, sizeBytes, variants, description, publishedAtMs, publishedBy } =
        release;
      db.write((tx) => {
        const before = byName.get(model, version);
        if (before?.digest === digest) return;
        if (before)
          throw new CodedError('RELEASE_CONFLICT', `${model} ${version} is published with other bytes`);
        const shown = [sizeBytes, JSON.stringify(variants), description, publishedAtMs, publishedBy];
        insert.run(model, version, digest, ...shown, Buffer.from(manifestBytes));
        tx.audit(change, 'release.publish', `${model}@${version}`, { digest });
        const sentence = `${model} ${version} was published.`;
        tx.event(releaseEvent('RELEASE_PUBLISHED', release, sentence), change.atMs);
      });
    },
    async manifest(model, version) {
      return manifest.get(model, version)?.manifest ?? null;
    },
    async yank(model, version, change) {
      return db.write((tx) => {
        const row = byName.get(model, version);
        if (!row) throw new CodedError('RELEASE_UNKNOWN', `${model} ${version} is not published`);
        if (yank.run(change.atMs, row.id).changes === 0) return toRelease(row);
        tx.audit(change, 'release.yank', `${model}@${version}`);
        const sentence = `${model} ${version} was yanked: it is assigned to nobody any more.`;
        tx.event(releaseEvent('RELEASE_YANKED', toRelease(row), sentence), change.atMs);
        return { ...toRelease(row), yankedAtMs: change.atMs };
      });
    },
  };
}

const releaseEvent = (code: string, release: Release, sentence: string): NewEvent => ({
  kind: 'release',
  code,
  sentence,
  device: null,
  model: release.model,
  rollout: null,
  data: { version: release.version, digest: release.digest },
});

const toRelease = (row: ReleaseRow): Release => ({
  model: row.model,
  version: row.version,
  digest: row.digest,
  sizeBytes: row.size_bytes,
  variants: JSON.parse(row.variants),
  description: row.description,
  publishedAtMs: row.published_at_ms,
  publishedBy: row.published_by,
  yankedAtMs: row.yanked_at_ms,
});
