import type { ReactElement } from 'react';

export type IconName = keyof typeof SHAPES;

/** One stroke width, one grid. Always decoration: the words beside it, or the button's label, carry the meaning. */
export function Icon({ name }: { name: IconName }): ReactElement {
  return (
    <svg
      className="icon"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={SHAPES[name]} />
    </svg>
  );
}

const SHAPES = {
  check: 'M3.5 8.5l3 3 6-7',
  proven: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5zM5.25 8.25l2 2 3.5-4',
  cross: 'M4.5 4.5l7 7m0-7l-7 7',
  failed: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5zM6 6l4 4m0-4l-4 4',
  warning: 'M8 2.25l6.25 11.25H1.75zM8 6.5v3.25M8 11.6v.05',
  clock: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5zM8 4.75V8l2.25 1.5',
  moving: 'M2 8h10.5M8.75 4.25L12.5 8l-3.75 3.75',
  download: 'M8 2v8.25M4.5 7L8 10.5 11.5 7M2.75 13.5h10.5',
  probation:
    'M2.25 8S4.25 3.75 8 3.75 13.75 8 13.75 8 11.75 12.25 8 12.25 2.25 8 2.25 8zM8 6.5a1.5 1.5 0 1 0 0 3a1.5 1.5 0 0 0 0-3z',
  back: 'M6 3.5L2.75 6.75 6 10M3 6.75h6.5a3.5 3.5 0 0 1 0 7H7',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  stop: 'M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM8 5v3.5M8 10.95v.05',
  dot: 'M8 7a1 1 0 1 0 0 2a1 1 0 0 0 0-2z',
  ring: 'M8 2.75a5.25 5.25 0 1 0 0 10.5a5.25 5.25 0 0 0 0-10.5z',
  link: 'M2.5 6.25a8 8 0 0 1 11 0M4.75 8.75a4.75 4.75 0 0 1 6.5 0M8 12v.05',
  unlinked:
    'M2.5 6.25a8 8 0 0 1 3-1.9M13.5 6.25a8 8 0 0 0-4.25-2.15M4.75 8.75a4.75 4.75 0 0 1 2-1.2M8 12v.05M2.5 2l11 12',
  sun: 'M8 5.25a2.75 2.75 0 1 0 0 5.5a2.75 2.75 0 0 0 0-5.5zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7',
  moon: 'M13.25 9.5A5.75 5.75 0 0 1 6.5 2.75a5.75 5.75 0 1 0 6.75 6.75z',
  leave: 'M6.25 2.75H3.5v10.5h2.75M10.25 5l3 3-3 3M13 8H6.5',
  search: 'M7 2.75a4.25 4.25 0 1 0 0 8.5a4.25 4.25 0 0 0 0-8.5zM10.25 10.25l3.25 3.25',
  up: 'M4 9.75L8 5.75l4 4',
  down: 'M4 6.25l4 4 4-4',
  sortable: 'M5 6.25L8 3.25l3 3M5 9.75l3 3 3-3',
  signal: 'M2.5 8h2.25l2-4.5 3 9 1.75-4.5h2',
  layers: 'M8 2.25l6 3.25-6 3.25-6-3.25zM2 8.75L8 12l6-3.25',
} as const;
