import type { ReactTable } from '@tanstack/react-table';
import type { ReactElement } from 'react';
import { Icon } from '../design/icon.tsx';
import { texts } from '../texts.ts';
import { type deviceFeatures, NUMBER_COLUMNS } from './device-columns.tsx';
import type { DeviceRow } from './device-rows.ts';

export type DeviceTableModel = ReactTable<typeof deviceFeatures, DeviceRow>;

const HINTS: Readonly<Record<string, string>> = texts.devices.columnHints;

/** The devices as a table, for screens that are wide enough. Fixed widths: live figures never move the columns. */
export function DeviceTable({ table }: { table: DeviceTableModel }): ReactElement {
  return (
    <div className="panel device-table-panel">
      <table className="device-table">
        <caption className="visually-hidden">{texts.devices.caption}</caption>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => {
                const sorted = header.column.getIsSorted();
                return (
                  <th
                    key={header.id}
                    scope="col"
                    className={`column-${header.column.id}${isNumber(header.column.id)}`}
                    aria-sort={ariaSort(sorted)}
                    title={HINTS[header.column.id]}
                  >
                    {header.column.getCanSort() ? (
                      <button
                        type="button"
                        className="sort-button"
                        onClick={header.column.getToggleSortingHandler()}
                      >
                        <table.FlexRender header={header} />
                        <Icon name={sorted === 'asc' ? 'up' : sorted === 'desc' ? 'down' : 'sortable'} />
                      </button>
                    ) : (
                      <table.FlexRender header={header} />
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id}>
              {row.getAllCells().map((cell) =>
                cell.column.id === 'device' ? (
                  <th key={cell.id} scope="row">
                    <table.FlexRender cell={cell} />
                  </th>
                ) : (
                  <td key={cell.id} className={isNumber(cell.column.id)}>
                    <table.FlexRender cell={cell} />
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const isNumber = (column: string): string => (NUMBER_COLUMNS.has(column) ? ' is-number' : '');

function ariaSort(sorted: false | 'asc' | 'desc'): 'ascending' | 'descending' | 'none' {
  if (!sorted) return 'none';
  return sorted === 'asc' ? 'ascending' : 'descending';
}
