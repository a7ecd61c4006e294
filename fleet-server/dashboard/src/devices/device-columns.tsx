import {
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
} from '@tanstack/react-table';
import { State } from '../design/badge.tsx';
import { count } from '../format/number.ts';
import { texts } from '../texts.ts';
import {
  BlockedNote,
  ConnectionCell,
  DeviceCell,
  RingCell,
  RunningCell,
  StateCell,
  WantedCell,
} from './device-cells.tsx';
import { compareVersions, type DeviceRow } from './device-rows.ts';
import { lookOf } from './device-words.ts';

const words = texts.devices.columns;

export const deviceFeatures = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
});

const helper = createColumnHelper<typeof deviceFeatures, DeviceRow>();

interface Order {
  getValue(id: string): unknown;
}
const byText = (a: Order, b: Order, id: string): number =>
  compareVersions(String(a.getValue(id)), String(b.getValue(id)));
const byNumber = (a: Order, b: Order, id: string): number => Number(a.getValue(id)) - Number(b.getValue(id));
const number = (value: number | undefined) => (value === undefined ? texts.none : count(value));

/** The columns of the device table; ids are those of the address (`?sort=-answers`). */
export const deviceColumns = helper.columns([
  helper.accessor(({ device }) => device.id, {
    id: 'device',
    header: words.device,
    sortFn: byText,
    cell: ({ row }) => <DeviceCell device={row.original.device} />,
  }),
  helper.accessor(({ device }) => device.ring ?? '', {
    id: 'ring',
    header: words.ring,
    sortFn: byText,
    cell: ({ row }) => <RingCell device={row.original.device} />,
  }),
  helper.accessor(({ model }) => model?.model ?? '', {
    id: 'model',
    header: words.model,
    sortFn: byText,
    cell: ({ row }) => row.original.model?.model ?? <span className="soft">{texts.devices.noModel}</span>,
  }),
  helper.accessor(({ model }) => model?.running?.version ?? '', {
    id: 'running',
    header: words.running,
    sortFn: byText,
    cell: ({ row }) => <RunningCell model={row.original.model} />,
  }),
  helper.accessor(({ model }) => (model ? lookOf(model).words : ''), {
    id: 'state',
    header: words.state,
    sortFn: byText,
    cell: ({ row }) => <StateCell model={row.original.model} />,
  }),
  helper.accessor(({ model }) => model?.desired?.version ?? '', {
    id: 'wanted',
    header: words.wanted,
    enableSorting: false,
    cell: ({ row }) => (
      <>
        <WantedCell model={row.original.model} />
        <BlockedNote model={row.original.model} />
      </>
    ),
  }),
  helper.accessor(({ model }) => model?.answers ?? -1, {
    id: 'answers',
    header: words.answers,
    sortFn: byNumber,
    cell: ({ row }) => number(row.original.model?.answers),
  }),
  helper.accessor(({ model }) => model?.failures ?? -1, {
    id: 'failures',
    header: words.failures,
    sortFn: byNumber,
    cell: ({ row }) => <FailureCount value={row.original.model?.failures} />,
  }),
  helper.accessor(({ model }) => model?.fallbacks ?? -1, {
    id: 'fallbacks',
    header: words.fallbacks,
    sortFn: byNumber,
    cell: ({ row }) => number(row.original.model?.fallbacks),
  }),
  helper.accessor(({ device }) => device.lastSeenAtMs ?? 0, {
    id: 'seen',
    header: words.seen,
    sortFn: byNumber,
    cell: ({ row }) => <ConnectionCell device={row.original.device} />,
  }),
]);

export const NUMBER_COLUMNS: ReadonlySet<string> = new Set(['answers', 'failures', 'fallbacks']);

function FailureCount({ value }: { value: number | undefined }) {
  if (!value) return number(value);
  return <State look={{ tone: 'bad', icon: 'failed', words: count(value) }} />;
}
