import type { FileMeta } from '@ringfleet/shared/trust';
import type { Contents } from './contents.ts';
import type { Json } from './publication.ts';

/** Small changes of documents that several attacks share. */

/** Puts a member before the first key of the signed part, behind the signatures' back. */
export const withMember = (member: string) => (text: string) => text.replace('"_type"', `${member}, "_type"`);

/** Writes the document's version in another form of the same number; the signature still fits. */
export const versionAs = (form: string) => (text: string) =>
  text.replace(/(\n {2}"version": )\d+/, (_all, before: string) => `${before}${form}`);

/** Gives the whole signed part one more member, which is signed with it. */
export const plus =
  (key: string, value: unknown) =>
  (signed: Json): Json => ({ ...signed, [key]: value });

/** Signs without one member. */
export const without =
  (key: string) =>
  ({ [key]: _, ...signed }: Json): Json =>
    signed;

/** So many arrays in each other. */
export function nested(depth: number): Json {
  let value: Json = 0;
  for (let i = 0; i < depth; i += 1) value = [value];
  return value;
}

/** Changes what a snapshot says of one file. */
export const listed =
  (file: string, change: (meta: FileMeta) => FileMeta) =>
  (content: Contents['snapshot']): Contents['snapshot'] => {
    const meta = content.meta[file];
    if (!meta) throw new Error(`the snapshot does not list ${file}`);
    return { ...content, meta: { ...content.meta, [file]: change(meta) } };
  };

/** Changes the one model of an assignment. */
export const assigning =
  (change: Partial<Contents['assignment']['models'][number]>) =>
  (content: Contents['assignment']): Contents['assignment'] => ({
    ...content,
    models: content.models.map((one) => ({ ...one, ...change })),
  });
