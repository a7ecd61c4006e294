import { CodedError } from '@ringfleet/shared/errors';
import type { TrustStore } from '../../ports/stores.ts';
import type { ControlDatabase } from './control-database.ts';

export function trustStore(db: ControlDatabase): TrustStore {
  const newest = db.prepare<[string], { version: number; document: string }>(
    'SELECT version, document FROM trust_documents WHERE role = ? ORDER BY version DESC LIMIT 1',
  );
  const one = db.prepare<[string, number], { document: string }>(
    'SELECT document FROM trust_documents WHERE role = ? AND version = ?',
  );
  const insert = db.prepare('INSERT INTO trust_documents (role, version, document) VALUES (?, ?, ?)');
  return {
    async get(role, version) {
      const row = version === undefined ? newest.get(role) : one.get(role, version);
      return row?.document ?? null;
    },
    async put(role, version, document, change) {
      db.write((tx) => {
        if (one.get(role, version)?.document === document) return;
        const last = newest.get(role)?.version ?? 0;
        if (version <= last) {
          throw new CodedError('METADATA_NOT_NEWER', `${role} is at version ${last}, this is ${version}`);
        }
        insert.run(role, version, document);
        tx.audit(change, 'trust.put', role, { version });
        const isBack = change.by.kind === 'device';
        const code = isBack ? 'METADATA_RECOVERED' : 'METADATA_PUBLISHED';
        const sentence = isBack
          ? `${change.by.name} brought back version ${version} of ${role}, which this server had lost; publish what it names again.`
          : `Version ${version} of ${role} is published.`;
        const data = { role, version };
        tx.event(
          {
            kind: 'trust',
            code,
            sentence,
            device: null,
            model: null,
            rollout: null,
            data,
          },
          change.atMs,
        );
      });
    },
  };
}
