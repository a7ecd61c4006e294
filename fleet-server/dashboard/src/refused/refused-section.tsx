import '../events/events.css';
import './refused.css';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { refusedQuery } from '../api/queries.ts';
import { useDashboard } from '../dashboard-context.ts';
import { Icon } from '../design/icon.tsx';
import { WithCode } from '../design/with-code.tsx';
import { TimeAgo } from '../format/time-ago.tsx';
import { texts } from '../texts.ts';
import type { RefusedContact } from '../views.ts';

const words = texts.refused;

/** Who was turned away at the doors of the devices, and what would help; not there while there is nobody. */
export function RefusedSection(): ReactElement | null {
  const { api } = useDashboard();
  const contacts = useQuery(refusedQuery(api)).data?.items ?? [];
  if (contacts.length === 0) return null;
  return (
    <section className="section" aria-labelledby="refused-title">
      <div className="section-head">
        <h2 className="section-title" id="refused-title">
          {words.title}
        </h2>
      </div>
      <ol className="panel event-list">
        {contacts.map((contact) => (
          <RefusedLine key={`${contact.address} ${contact.code}`} contact={contact} />
        ))}
      </ol>
    </section>
  );
}

function RefusedLine({ contact }: { contact: RefusedContact }): ReactElement {
  const { address, device, serial, reason, remedy, code, count, lastAtMs } = contact;
  return (
    <li className="event refused-line tone-warn">
      <Icon name="warning" />
      <div className="refused-text">
        <p className="refused-who">{words.who(address, device)}</p>
        <p>
          <WithCode text={reason} />
        </p>
        <p className="refused-remedy">
          <WithCode text={remedy} />
        </p>
        <p className="refused-facts code">
          {[code, words.times(count), ...(serial ? [words.serial(serial)] : [])].join(' · ')}
        </p>
      </div>
      <p className="event-time">
        <TimeAgo atMs={lastAtMs} />
      </p>
    </li>
  );
}
