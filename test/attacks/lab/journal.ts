import { JournalClient } from '../../../agent/src/adapters/journal-client.ts';
import type { JournalPlace, OpenJournal } from '../../../agent/src/adapters/journal-here.fixture.ts';

export {
  type JournalPlace,
  type OpenJournal,
  openJournalHere as inPlace,
} from '../../../agent/src/adapters/journal-here.fixture.ts';

/** As the agent has it: databases, hashing and trust in their own thread. */
export async function inThread(place: JournalPlace): Promise<OpenJournal> {
  const { client, opened } = await JournalClient.open({ ...place, maxOutboxBytes: 1e7 });
  return { journal: client, opened };
}
