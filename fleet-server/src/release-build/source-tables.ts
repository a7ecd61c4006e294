import { basename } from 'node:path';
import { readTable, type Table } from './csv-table.ts';
import { fileDigest } from './release-files.ts';
import type { ReleaseSource } from './release-source.ts';
import { dataFile } from './source-path.ts';
import { labelIndexes } from './table-tensors.ts';

/** The data that a release is built with. */
export interface SourceTables {
  readonly reference: { readonly table: Table; readonly sha256: string } | null;
  readonly acceptance: { readonly table: Table; readonly labels: readonly number[] } | null;
}

/** Reads the CSV files that `release.yaml` names, columns of `textInputs` as text. Throws RELEASE_SOURCE_INVALID. */
export async function loadTables(
  folder: string,
  source: ReleaseSource,
  textInputs: ReadonlySet<string>,
): Promise<SourceTables> {
  const { inputs, label, reference, acceptance } = source.data;
  return {
    reference: reference === undefined ? null : await loadReference(folder, reference, inputs, textInputs),
    acceptance:
      acceptance && source.labels && label !== undefined
        ? await loadAcceptance(folder, acceptance.file, inputs, label, source.labels.names, textInputs)
        : null,
  };
}

type Columns = ReleaseSource['data']['inputs'];

async function loadReference(folder: string, path: string, inputs: Columns, textInputs: ReadonlySet<string>) {
  const file = await dataFile(folder, path, 'data.reference');
  return { table: await readTable(file, inputs, null, textInputs), sha256: (await fileDigest(file)).sha256 };
}

async function loadAcceptance(
  folder: string,
  path: string,
  inputs: Columns,
  label: string,
  names: readonly string[],
  textInputs: ReadonlySet<string>,
) {
  const file = await dataFile(folder, path, 'data.acceptance.file');
  const table = await readTable(file, inputs, label, textInputs);
  return { table, labels: labelIndexes(basename(file), table.labels, names) };
}
