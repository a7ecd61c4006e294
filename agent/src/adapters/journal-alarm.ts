/** Something of the state was damaged and has been made good; told to people as an event. */
export interface Alarm {
  readonly code: 'JOURNAL_CORRUPT' | 'STATE_REBUILT' | 'STATE_NOT_WRITABLE';
  readonly message: string;
}
